/** Addresses and networks as people write them: `10.0.0.0/8,::1`. */
import { BlockList, isIP } from 'node:net';

/** Undefined when the text is no such list. Empty, it holds nobody. */
export function parseNetworks(text: string): BlockList | undefined {
  const networks = new BlockList();
  for (const item of text === '' ? [] : text.split(',')) {
    const [, address = '', bits] = /^([0-9A-Fa-f.:]+)(?:\/(\d{1,3}))?$/.exec(item) ?? [];
    const version = isIP(address);
    const whole = version === 4 ? 32 : 128;
    const prefix = bits === undefined ? whole : Number(bits);
    if (version === 0 || prefix > whole) return undefined;
    networks.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6');
  }
  return networks;
}

/** IPv4 addresses count in both of their notations. */
export function isInside(networks: BlockList, address: string): boolean {
  const [plain = ''] = address.split('%');
  const version = isIP(plain);
  return version !== 0 && networks.check(plain, version === 4 ? 'ipv4' : 'ipv6');
}
