import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findBursar, findInFolder } from '../../src/client/find-bursar.ts'
import { readOptions } from '../../src/config/options.ts'
import {
  announce,
  type FolderLock,
  lockFolder,
  lookAtFolder,
} from '../../src/embedded/folder-lock.ts'
import { socketPathOf } from '../../src/embedded/socket-path.ts'

let folder: string
let lock: FolderLock | null = null
let servers: Server[] = []

beforeEach(async () => {
  // A blank and an umlaut: the path travels as a URL.
  folder = await mkdtemp(join(tmpdir(), 'bursar fünd-'))
})
afterEach(async () => {
  lock?.release()
  lock = null
  for (const server of servers) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  servers = []
  await rm(folder, { recursive: true })
})

const where = (env: Record<string, string> = {}) =>
  findBursar(readOptions({ BURSAR_DATA: folder, ...env }), 300)

/** Holds the folder as a process does that listens on a socket. */
async function hold(answer: boolean): Promise<string> {
  lock = lockFolder(folder)
  const server = createServer((_, response) => {
    if (answer) response.setHeader('content-type', 'application/json').end('{"alive":true}')
  })
  servers.push(server)
  const socket = join(folder, 'bursar.sock')
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  announce(folder, { socket, url: null })
  return socket
}

describe('where Bursar is', () => {
  test('at BURSAR_URL before everything else', async () => {
    const url = 'http://127.0.0.1:8080'
    const both = { REDIS_URL: 'redis://h', DATABASE_URL: 'postgres://h/d' }
    expect(await where({ BURSAR_URL: url, ...both })).toEqual({ at: 'gateway', url })
    expect(await where({ BURSAR_URL: 'unix:/run/b.sock' })).toMatchObject({ at: 'gateway' })
  })

  test('in the servers that are named, also when one of the two is missing', async () => {
    expect(await where({ REDIS_URL: 'redis://h', DATABASE_URL: 'postgres://h/d' })).toEqual({
      at: 'stores',
    })
    expect(await where({ DATABASE_URL: 'postgres://h/d' })).toEqual({ at: 'stores' })
  })

  test('nowhere without a folder, and in one that holds no database', async () => {
    expect(await where()).toEqual({ at: 'nowhere', folder })
    expect(await where({ BURSAR_DATA: join(folder, 'none') })).toMatchObject({ at: 'nowhere' })
  })

  test('in a folder that nobody has open', async () => {
    mkdirSync(join(folder, 'pgdata'))
    expect(await where()).toEqual({ at: 'folder', folder })
    lockFolder(folder).release()
    expect(await where()).toEqual({ at: 'folder', folder })
  })

  test('on the socket of the process that holds the folder', async () => {
    await hold(true)
    const found = await where()
    expect(found).toMatchObject({
      at: 'gateway',
      url: expect.stringMatching(/^unix:.*%20f%C3%BCnd/),
    })
  })

  test('with a process that listens and never answers: a typed error, in time', async () => {
    await hold(false)
    await expect(where()).rejects.toMatchObject({
      code: 'DATA_FOLDER_IN_USE',
      retryable: true,
      message: expect.stringContaining(`kill ${process.pid}`),
    })
  })

  test('with a process that has not announced itself: the same', async () => {
    lock = lockFolder(folder)
    await expect(where()).rejects.toMatchObject({ code: 'DATA_FOLDER_IN_USE', retryable: true })
  })

  test('with a process that starts: found as soon as it answers', async () => {
    lock = lockFolder(folder)
    const found = findInFolder(folder, 20_000)
    lock.release()
    await hold(true)
    expect(await found).toMatchObject({ at: 'gateway' })
  })

  test('with a process that was killed: free, whatever its lock and socket say', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'])
    await once(child, 'spawn')
    const holder = { pid: child.pid, since: new Date().toISOString(), token: 'x', url: null }
    const { hostname } = await import('node:os')
    const text = { ...holder, host: hostname(), started: null, socket: join(folder, 'bursar.sock') }
    await writeFile(join(folder, 'lock.1'), JSON.stringify(text))
    mkdirSync(join(folder, 'pgdata'))
    expect(lookAtFolder(folder).state).toBe('held')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await where()).toEqual({ at: 'folder', folder })
  })
})

describe('the record of who holds a folder', () => {
  test('says where it answers, keeps who it is, and locks as before', async () => {
    const socket = await hold(true)
    const seen = lookAtFolder(folder)
    expect(seen).toMatchObject({ state: 'held', holder: { pid: process.pid, socket } })
    expect(() => lockFolder(folder)).toThrow('one process at a time')
    lock?.release()
    const [name = ''] = (await readdir(folder)).filter((one) => one.startsWith('lock.'))
    expect(await readFile(join(folder, name), 'utf8')).toBe('')
  })

  test('is written by its holder alone', async () => {
    const path = join(folder, 'lock.1')
    const text = JSON.stringify({
      ...{ pid: process.ppid, host: 'elsewhere', since: new Date().toISOString() },
      ...{ started: null, token: 'not ours' },
    })
    await writeFile(path, text)
    announce(folder, { socket: '/tmp/x', url: null })
    expect(await readFile(path, 'utf8')).toBe(text)
  })
})

describe('the path of the socket', () => {
  test('is in the folder, unless that is too long for one: then it is short and its own', async () => {
    expect(await socketPathOf(folder)).toBe(join(folder, 'bursar.sock'))
    const deep = join(folder, 'ü'.repeat(40))
    const short = await socketPathOf(deep)
    expect(short.startsWith(join(tmpdir(), 'bursar-'))).toBe(true)
    expect(await socketPathOf(deep)).toBe(short)
    expect(await socketPathOf(`${deep}x`)).not.toBe(short)
  })

  test('is refused where others could put theirs in its place, or nothing is short enough', async () => {
    const deep = join(folder, 'd'.repeat(90))
    mkdirSync(join(folder, `bursar-${process.getuid?.() ?? 0}`), { mode: 0o777 })
    const { chmodSync } = await import('node:fs')
    chmodSync(join(folder, `bursar-${process.getuid?.() ?? 0}`), 0o777)
    await expect(socketPathOf(deep, folder)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' })
    await expect(socketPathOf(deep, deep)).rejects.toThrow('too long as well')
  })
})
