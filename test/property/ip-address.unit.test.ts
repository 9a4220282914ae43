import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readIpAddress } from '../../src/config/ip-address.ts'

const group = fc.integer({ min: 0, max: 0xffff })
const groups = (length: number) => fc.array(group, { minLength: length, maxLength: length })
const written = (parts: readonly number[], hex: (part: number) => string) =>
  parts.map(hex).join(':')

test('every way to write an address of one /64 has one name, and other networks have others', () => {
  fc.assert(
    fc.property(groups(4), groups(4), groups(4), (net, host, other) => {
      // Those that begin so are IPv4 addresses.
      fc.pre(net.some((part) => part > 0))
      const padded = written([...net, ...host], (part) => part.toString(16).padStart(4, '0'))
      const short = new URL(`http://[${padded}]`).hostname.slice(1, -1).toUpperCase()
      const name = readIpAddress(padded)
      expect(name).toMatch(/^([\da-f]{1,4}:){4}:\/64$/)
      expect(readIpAddress(short)).toBe(name)
      expect(readIpAddress(`${short}%eth0`)).toBe(name)
      expect(readIpAddress(written([...net, ...other], (part) => part.toString(16)))).toBe(name)
      expect(readIpAddress(name ?? '')).toBe(name)
      fc.pre(other.join() !== net.join() && other.some((part) => part > 0))
      expect(readIpAddress(written([...other, ...host], (part) => part.toString(16)))).not.toBe(
        name,
      )
    }),
  )
})

test('an IPv4 address is itself, however a socket for both families says it', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      expect(readIpAddress(address)).toBe(address)
      expect(readIpAddress(`::ffff:${address}`)).toBe(address)
    }),
  )
})

test.each(['', 'localhost', '1.2.3', '01.2.3.4', '1.2.3.4:80', '1.2.3.4/8', ':::', 'unknown'])(
  'what is no address is none: %j',
  (text) => {
    expect(readIpAddress(text)).toBeUndefined()
  },
)
