import { describe, expect, test } from 'vitest'
import { Passing } from '../../src/collections/passing.ts'
import { Ring } from '../../src/collections/ring.ts'

describe('a ring', () => {
  test('is walked in the order in which things came', () => {
    const ring = new Ring<string>()
    expect(ring.isEmpty).toBe(true)
    for (const one of ['a', 'b', 'c']) ring.add(one)
    expect([...ring]).toEqual(['a', 'b', 'c'])
    expect(ring.isEmpty).toBe(false)
  })

  test('forgets what has left, wherever it stood', () => {
    const ring = new Ring<string>()
    const [first, second, third] = ['a', 'b', 'c'].map((one) => ring.add(one))
    expect(second?.leave()).toBe(true)
    expect([...ring]).toEqual(['a', 'c'])
    expect(first?.leave()).toBe(true)
    expect(third?.leave()).toBe(true)
    expect(ring.isEmpty).toBe(true)
    ring.add('d')
    expect([...ring]).toEqual(['d'])
  })

  test('nobody leaves twice, and takes another along', () => {
    const ring = new Ring<string>()
    const link = ring.add('a')
    ring.add('b')
    link.leave()
    ring.add('c')
    expect(link.leave()).toBe(false)
    expect([...ring]).toEqual(['b', 'c'])
  })

  test('whoever is looked at may leave', () => {
    const ring = new Ring<() => void>()
    const seen: string[] = []
    for (const name of ['a', 'b', 'c']) {
      const link = ring.add(() => {
        seen.push(name)
        link.leave()
      })
    }
    for (const leave of ring) leave()
    expect(seen).toEqual(['a', 'b', 'c'])
    expect(ring.isEmpty).toBe(true)
  })
})

describe('what passes', () => {
  test('is found by its name until it goes', () => {
    const passing = new Passing<number>()
    passing.set('a', 1)
    passing.set('b', 0)
    expect([passing.get('a'), passing.get('b'), passing.get('c')]).toEqual([1, 0, undefined])
    expect(passing.delete('a')).toBe(1)
    expect(passing.delete('a')).toBeUndefined()
    expect(passing.has('a')).toBe(false)
    expect([...passing]).toEqual([['b', 0]])
    expect(passing.size).toBe(1)
  })

  test('one that takes the name of another stands last', () => {
    const passing = new Passing<number>()
    passing.set('a', 1)
    passing.set('b', 2)
    passing.set('a', 3)
    expect([...passing]).toEqual([
      ['b', 2],
      ['a', 3],
    ])
  })

  test('may go while it is looked at', () => {
    const passing = new Passing<number>()
    for (const [at, name] of ['a', 'b', 'c'].entries()) passing.set(name, at)
    for (const [name] of passing) passing.delete(name)
    expect(passing.size).toBe(0)
    passing.set('d', 4)
    passing.clear()
    expect([...passing.values()]).toEqual([])
  })
})
