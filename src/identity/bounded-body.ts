/** A response's body, up to a size; whoever answers more is not listened to. */
export async function boundedBody(response: Response, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > bytesMax) throw new Error(`${response.url} answered too much`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
