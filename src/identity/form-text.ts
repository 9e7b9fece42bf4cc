/** Names and values of `application/x-www-form-urlencoded`, read without mercy. */

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** What stands for itself, however much of it there is; everything else has to be encoded. */
const ENCODED = /^(?:[!-$&-~]|%[0-9A-Fa-f]{2})*$/;

/** Undefined for a half escape, an octet that should have been escaped, and what is not UTF-8. */
export function decodeFormText(text: string): string | undefined {
  if (!ENCODED.test(text)) return undefined;
  if (!text.includes('%')) return text.replaceAll('+', ' ');
  const bytes = Buffer.from(
    text
      .replaceAll('+', ' ')
      .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  );
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
