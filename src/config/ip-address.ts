import { isIPv4, isIPv6 } from 'node:net'

/**
 * Names whose address it is, for counting: an IPv4 address as it stands, `203.0.113.7`, and the /64 of an IPv6 one,
 * `2001:db8:0:1::/64`, which is the least that one household gets (RFC 6177): within it addresses change at will.
 * @returns undefined when it is no address. Its own result reads as itself.
 */
export function readIpAddress(text: string): string | undefined {
  const plain = text.replace(/%.*$/, '').replace(/^(.+)::\/64$/, '$1::')
  if (isIPv4(plain)) return plain
  return isIPv6(plain) ? networkOf(groupsOf(plain)) : undefined
}

/** The eight groups of an IPv6 address, without leading zeros. */
function groupsOf(address: string): readonly string[] {
  // The URL standard writes an address in one way alone: lower case, an IPv4 tail as two groups.
  const [head = '', tail = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const [before, after] = [head, tail].map((part) => (part === '' ? [] : part.split(':')))
  const known = [...(before ?? []), ...(after ?? [])].length
  return [...(before ?? []), ...Array<string>(8 - known).fill('0'), ...(after ?? [])]
}

/** What a socket for both families says of an IPv4 caller: `::ffff:203.0.113.7`. */
const MAPPED = '0:0:0:0:0:ffff'

function networkOf(groups: readonly string[]): string {
  if (groups.slice(0, 6).join(':') !== MAPPED) return `${groups.slice(0, 4).join(':')}::/64`
  const bytes = groups.slice(6).flatMap((group) => {
    const both = Number.parseInt(group, 16)
    return [both >> 8, both & 255]
  })
  return bytes.join('.')
}
