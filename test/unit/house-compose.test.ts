import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { ROLE_NAMES } from '../../src/cli/start.ts'
import { OptionsSchema } from '../../src/config/options.ts'
import { isLocal } from '../../src/gateway/authorize.ts'
import { faultOfWords, houseHas, readHouse } from './house-cli-words.ts'

const ROLES = /--roles (\S+)/

const Service = z.object({
  image: z.string(),
  command: z.array(z.string()).optional(),
  build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  env_file: z.array(z.object({ path: z.string(), required: z.boolean() })).optional(),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  restart: z.string().optional(),
})
const Compose = z.object({
  services: z.record(z.string(), Service),
  volumes: z.record(z.string(), z.null()),
})

const { services, volumes } = Compose.parse(parse(readHouse('docker-compose.yml'), { merge: true }))
const own = Object.entries(services).filter(([, { image }]) => image === 'bursar:local')
const service = (name: string) => Service.parse(services[name])

describe('docker-compose.yml', () => {
  test('has the two stores, the migration and every role', () => {
    expect(own.map(([name]) => name)).toEqual(['migrate', 'worker', 'jobs', 'gateway'])
    expect(Object.keys(services)).toEqual(['redis', 'postgres', ...own.map(([name]) => name)])
    const roles = own.flatMap(([, { command = [] }]) => command.join(' ').match(ROLES)?.[1] ?? [])
    expect(roles.join(',').split(',').sort()).toEqual([...ROLE_NAMES].sort())
  })

  test.each(own)('%s runs a command that the command line knows', (_, { command = [] }) => {
    expect(faultOfWords(command)).toBeNull()
  })

  test.each(own)('%s is built from a Dockerfile that is there', (_, { build }) => {
    expect(houseHas(build?.dockerfile ?? '')).toBe(true)
  })

  test.each(own)('%s sets options that exist, and reads the rest from .env', (_, one) => {
    expect(Object.keys(OptionsSchema.shape)).toEqual(
      expect.arrayContaining(Object.keys(one.environment)),
    )
    expect(OptionsSchema.partial().safeParse(one.environment).success).toBe(true)
    expect(one.env_file).toEqual([{ path: '.env', required: false }])
  })

  test('Redis keeps every acknowledged write and evicts nothing', () => {
    const words = service('redis').command?.join(' ')
    expect(words).toBe(
      'redis-server --appendonly yes --appendfsync always --maxmemory-policy noeviction',
    )
  })

  test.each(['redis', 'postgres'])('%s says when it is healthy and keeps its data', (name) => {
    const { healthcheck, volumes: mounts } = service(name)
    expect(healthcheck?.test[0]).toBe('CMD-SHELL')
    expect(mounts.map((mount) => mount.split(':')[0])).toEqual([name])
    expect(Object.keys(volumes)).toContain(name)
  })

  test.each(['worker', 'jobs', 'gateway'])(
    '%s waits for healthy stores and a finished migration',
    (name) => {
      expect(service(name).depends_on).toEqual({
        redis: { condition: 'service_healthy' },
        postgres: { condition: 'service_healthy' },
        migrate: { condition: 'service_completed_successfully' },
      })
    },
  )

  test.each(['worker', 'jobs'])(
    '%s can be scaled: it has no port and no name of its own',
    (name) => {
      expect(service(name).ports).toEqual([])
      expect(readHouse('docker-compose.yml')).not.toContain('container_name')
    },
  )

  test('the gateway listens where its port leads to, asks for keys, and says when it is ready', () => {
    const { environment, ports, healthcheck } = service('gateway')
    const { BURSAR_HOST: host, BURSAR_PORT: port } = environment
    expect(ports).toEqual([`127.0.0.1:${port}:${port}`])
    expect(isLocal(host ?? '')).toBe(false)
    expect(environment).not.toHaveProperty('BURSAR_AUTH')
    expect(healthcheck?.test.at(-1)).toContain(`http://127.0.0.1:${port}/ready`)
  })

  test('the addresses lead to the services, and no port is open to the network', () => {
    for (const [, { environment }] of own) {
      expect(Object.keys(services)).toContain(new URL(environment.REDIS_URL ?? '').hostname)
      expect(Object.keys(services)).toContain(new URL(environment.DATABASE_URL ?? '').hostname)
    }
    const { username, password, pathname } = new URL(
      service('migrate').environment.DATABASE_URL ?? '',
    )
    const { POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB } = service('postgres').environment
    expect([username, password, pathname]).toEqual([
      POSTGRES_USER,
      POSTGRES_PASSWORD,
      `/${POSTGRES_DB}`,
    ])
    for (const { ports } of Object.values(services)) {
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
    }
  })
})

describe('deploy/Dockerfile', () => {
  const lines = readHouse('deploy/Dockerfile').split('\n')
  const copied = lines
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from'))
    .flatMap((line) => line.split(' ').slice(1, -1))

  test('copies only what is there and what .dockerignore lets in', () => {
    const allowed = readHouse('.dockerignore').split('\n')
    for (const path of copied) {
      expect(houseHas(path), path).toBe(true)
      expect(allowed).toContain(`!${path}`)
    }
  })

  test('runs as nobody special, on the Node.js that the package asks for', () => {
    expect(lines).toContain('USER node')
    expect(lines.filter((line) => line.startsWith('FROM '))).toEqual([
      'FROM node:20-slim AS build',
      'FROM node:20-slim',
    ])
    expect(lines).toContain('ENTRYPOINT ["node", "dist/src/cli/main.js"]')
  })
})
