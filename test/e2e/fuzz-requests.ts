import { Buffer } from 'node:buffer'

/** One request as bytes, and what the sender does after them. */
export interface Fuzzed {
  readonly kind: string
  readonly bytes: readonly Buffer[]
  /** `waits` for an answer; `leaves` in the middle. */
  readonly after: 'waits' | 'leaves'
}

/** Numbers in [0, 1) that a seed fixes. @see https://en.wikipedia.org/wiki/Xorshift */
export function drawFrom(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

type Draw = () => number
const pick = <T>(draw: Draw, from: readonly [T, ...T[]]): T =>
  from[Math.floor(draw() * from.length)] ?? from[0]
const chance = (draw: Draw, share: number): boolean => draw() < share

const PATHS = [
  '/v1/chat/completions',
  '/v1/responses',
  '/v1/embeddings',
  '/v1/jobs',
  '/v1/quote',
] as const
const ODD_PATHS = [
  '/v1/models/%00',
  '/v1/models/%ff%fe',
  '/v1/models/__proto__',
  '/v1/models/constructor',
  '/v1/models/..%2f..%2fetc%2fpasswd',
  '/v1/jobs/%2e%2e',
  '/v1/jobs/{bursar}:slot',
  '/v1/jobs/x?wait=-1s',
  '/v1/quota?user[]=1&user=2&tag=__proto__=1',
  '/v1/quota?user=%00&tag=a=b',
  '//v1//chat/completions',
  '/v1/chat/completions/',
  '/../../etc/passwd',
  '/v1/chat%2fcompletions',
  `/v1/models/${'m'.repeat(5_000)}`,
  '*',
  'http://[::1',
] as const
const METHODS = ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE', 'BREW'] as const

const ODD_TEXTS = [
  '',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '__proto__',
  'constructor',
  'toString',
  '../../etc/passwd',
  "'; drop table entries; --",
  '{bursar}:slot',
  '\r\nx-injected: 1',
  '$(env)',
  'é'.repeat(300),
  '9'.repeat(400),
  'x'.repeat(20_000),
] as const
const ODD_NUMBERS = [0, -1, 1e308, 2 ** 53, -(2 ** 53), 0.1, 1e-9] as const

/** Any JSON value, mostly shallow. */
function anything(draw: Draw, depth = 0): unknown {
  const kind = Math.floor(draw() * (depth > 3 ? 4 : 7))
  if (kind === 0) return pick(draw, ODD_TEXTS)
  if (kind === 1) return pick(draw, ODD_NUMBERS)
  if (kind === 2) return pick(draw, [true, false, null])
  if (kind === 3) return 'Explain recursion'
  if (kind === 4)
    return Array.from({ length: Math.floor(draw() * 4) }, () => anything(draw, depth + 1))
  const names = Array.from({ length: Math.floor(draw() * 4) }, () => fieldName(draw))
  return Object.fromEntries(names.map((name) => [name, anything(draw, depth + 1)]))
}

const FIELDS = [
  'model',
  'messages',
  'input',
  'stream',
  'stream_options',
  'user',
  'metadata',
  'max_completion_tokens',
  'n',
  'tools',
  'response_format',
  'temperature',
  'dimensions',
  'encoding_format',
  'tags',
  'jobId',
  'cache',
  'deadline',
  'urgency',
  'tenant',
  'tier',
  'operation',
  'service_tier',
  'reasoning',
  '__proto__',
  'constructor',
  'toJSON',
  'length',
] as const
const fieldName = (draw: Draw): string => pick(draw, FIELDS)

function goodBody(draw: Draw, path: string): Record<string, unknown> {
  const text = `Explain recursion to student ${Math.floor(draw() * 1e6)}`
  if (path === '/v1/embeddings')
    return { model: 'text-embedding-3-small', input: text, dimensions: 8 }
  if (path === '/v1/responses') return { model: 'gpt-6-luna', input: text, max_output_tokens: 16 }
  const messages = [{ role: 'user', content: text }]
  return { user: 'u1', model: 'gpt-6-luna', max_completion_tokens: 16, messages }
}

/** JSON text of an object that may have `__proto__` as a field of its own. */
const jsonOf = (fields: readonly (readonly [string, unknown])[]): string =>
  `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value) ?? 'null'}`).join(',')}}`

function mutated(draw: Draw, path: string): string {
  const fields = Object.entries(goodBody(draw, path)).filter(() => !chance(draw, 0.05))
  const more = Array.from(
    { length: 1 + Math.floor(draw() * 3) },
    () => [fieldName(draw), anything(draw)] as const,
  )
  return jsonOf([...fields.filter(([name]) => !more.some(([other]) => other === name)), ...more])
}

function brokenBody(draw: Draw): Buffer {
  const deep = 1_000 + Math.floor(draw() * 20_000)
  return pick(draw, [
    () => Buffer.from('{'.repeat(200)),
    () => Buffer.from([0xff, 0xfe, 0x00, 0x7b]),
    () => Buffer.from(''),
    () => Buffer.from('null'),
    () => Buffer.from('"text"'),
    () => Buffer.from('[1,2,3]'),
    () => Buffer.from('{"model":"auto","messages":[{"role":"user","content":"x"}]'),
    () => Buffer.from(`{"model":"auto","messages":${'['.repeat(deep)}${']'.repeat(deep)}}`),
    () =>
      Buffer.from(
        `{"model":"auto","messages":[{"role":"user","content":"x"}],"a":${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}}`,
      ),
    () => Buffer.from(`{"model":"gpt-6-luna","input":${'['.repeat(deep)}${']'.repeat(deep)}}`),
    () => Buffer.from(`{${Array.from({ length: 5_000 }, (_, at) => `"f${at}":${at}`).join(',')}}`),
    () => Buffer.from('{"__proto__":{"isAdmin":true},"model":"auto","messages":[]}'),
    () => Buffer.from('{"model":"a\\u0000b","messages":[{"role":"user","content":"\\ud800"}]}'),
  ])()
}

const ODD_HEADERS = [
  'authorization: Bearer',
  'authorization: Bearer sk-bursar-',
  `authorization: Bearer sk-bursar-${'a'.repeat(500)}`,
  'authorization: Basic eDp5',
  'x-bursar-tenant: __proto__',
  'x-bursar-tenant: ../../x',
  'x-bursar-tier: constructor',
  'x-bursar-tags: __proto__=1, a=b',
  'x-bursar-tags: =,=,=',
  'x-bursar-deadline: 1ms',
  'x-bursar-deadline: -5',
  'x-bursar-urgency: batch',
  'x-bursar-cache: only',
  'x-bursar-cache: ttl=99999d',
  'x-bursar-nothing: 1',
  'x-request-id: a b\tc',
  'x-stainless-retry-count: 99999999999999999999',
  `idempotency-key: ${'k'.repeat(300)}`,
  'idempotency-key: __proto__',
  'content-encoding: gzip',
  'expect: 100-continue',
  'cache-control: no-store, only-if-cached',
  'x-forwarded-for: ::::',
  'host: evil.example',
] as const
const TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'application/json; charset=utf-16',
  'text/plain',
  'multipart/form-data; boundary=x',
  'application/x-www-form-urlencoded',
  '',
] as const

const EMPTY = Buffer.alloc(0)

const written = (head: string, body: Buffer = EMPTY): Buffer =>
  Buffer.concat([Buffer.from(head, 'latin1'), body])

function post(
  path: string,
  body: Buffer,
  more: readonly string[] = [],
  type = 'application/json',
): Buffer {
  const lines = [
    `POST ${path} HTTP/1.1`,
    ...(more.some((line) => line.startsWith('host:')) ? [] : ['host: 127.0.0.1']),
    'connection: close',
    ...(type === '' ? [] : [`content-type: ${type}`]),
    `content-length: ${body.length}`,
    ...more,
  ]
  return written(`${lines.join('\r\n')}\r\n\r\n`, body)
}

type Make = (draw: Draw) => Omit<Fuzzed, 'kind'>
const waits = (...bytes: readonly Buffer[]) => ({ bytes, after: 'waits' }) as const
const leaves = (...bytes: readonly Buffer[]) => ({ bytes, after: 'leaves' }) as const

/** Kind -> [how many of a thousand, how it is made]. */
const KINDS: Readonly<Record<string, readonly [number, Make]>> = {
  good: [
    40,
    (draw) => {
      const path = pick(draw, ['/v1/chat/completions', '/v1/responses', '/v1/embeddings'])
      return waits(post(path, Buffer.from(JSON.stringify(goodBody(draw, path)))))
    },
  ],
  fields: [
    420,
    (draw) => {
      const path = pick(draw, PATHS)
      return waits(post(path, Buffer.from(mutated(draw, path))))
    },
  ],
  body: [120, (draw) => waits(post(pick(draw, PATHS), brokenBody(draw)))],
  headers: [
    150,
    (draw) => {
      const path = pick(draw, PATHS)
      const odd = Array.from({ length: 1 + Math.floor(draw() * 3) }, () => pick(draw, ODD_HEADERS))
      const body = Buffer.from(JSON.stringify(goodBody(draw, path)))
      return waits(post(path, body, [...new Set(odd)], pick(draw, TYPES)))
    },
  ],
  path: [
    110,
    (draw) =>
      waits(
        written(
          `${pick(draw, ['GET', 'POST', ...METHODS])} ${pick(draw, ODD_PATHS)} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
        ),
      ),
  ],
  method: [
    40,
    (draw) =>
      waits(
        written(
          `${pick(draw, METHODS)} ${pick(draw, PATHS)} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
        ),
      ),
  ],
  noHttp: [
    40,
    (draw) =>
      pick(draw, [
        () => waits(Buffer.from('\x16\x03\x01\x02\x00\x01\x00')),
        () => waits(Buffer.from('GET\r\n\r\n')),
        () => waits(Buffer.from('POST / HTTP/9.9\r\n\r\n')),
        () => waits(written(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'h'.repeat(40_000)}\r\n\r\n`)),
        () =>
          waits(
            written(
              'POST /v1/jobs HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
            ),
          ),
        () => waits(written('POST /v1/jobs HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n')),
        () =>
          waits(
            written(
              'POST /v1/jobs HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
            ),
          ),
      ])(),
  ],
  leaves: [
    60,
    (draw) => {
      const path = pick(draw, PATHS)
      const whole = post(
        path,
        Buffer.from(JSON.stringify({ ...goodBody(draw, path), stream: path.startsWith('/v1/c') })),
      )
      return leaves(
        chance(draw, 0.5) ? whole : whole.subarray(0, Math.floor(draw() * whole.length)),
      )
    },
  ],
  slow: [
    18,
    (draw) => {
      const whole = post('/v1/chat/completions', Buffer.from(mutated(draw, '/v1/chat/completions')))
      const at = Math.floor(whole.length / 3)
      return waits(whole.subarray(0, at), whole.subarray(at, 2 * at), whole.subarray(2 * at))
    },
  ],
  large: [
    2,
    (draw) => {
      const bytes = 4 * 1_024 * 1_024 * (1 + Math.floor(draw() * 3))
      return waits(post(pick(draw, PATHS), Buffer.alloc(bytes, 0x20)))
    },
  ],
}
const TOTAL = Object.values(KINDS).reduce((sum, [share]) => sum + share, 0)

/** The next request that a seed has. */
export function nextFuzzed(draw: Draw): Fuzzed {
  let left = draw() * TOTAL
  for (const [kind, [share, make]] of Object.entries(KINDS)) {
    left -= share
    if (left < 0) return { kind, ...make(draw) }
  }
  throw new RangeError('shares of a whole')
}

/** A body as long as nobody may send. */
export const hugeRequest = (bytes: number): Fuzzed => ({
  kind: 'huge',
  bytes: [
    written(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
    ),
    ...Array.from({ length: Math.ceil(bytes / 65_536) }, () => CHUNK),
  ],
  after: 'waits',
})
const CHUNK = Buffer.concat([
  Buffer.from('10000\r\n'),
  Buffer.alloc(65_536, 0x20),
  Buffer.from('\r\n'),
])
