import type { OpenApiDocument } from './document.ts'

const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --soft: color-mix(in srgb, currentColor 6%, transparent) }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem 1rem 4rem }
h1 { margin-bottom: 0 } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line) }
nav a { margin-right: 1rem } details { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; overflow: hidden }
summary { cursor: pointer; padding: .5rem .75rem; display: flex; gap: .75rem; flex-wrap: wrap; align-items: baseline }
summary:hover, summary:focus-visible { background: var(--soft) }
.method { font: 600 .8rem ui-monospace, monospace; min-width: 4rem } .path { font-family: ui-monospace, monospace; overflow-wrap: anywhere }
.what { font-size: .9rem; opacity: .85 } .who { margin-left: auto; font-size: .8rem; opacity: .75 } .in { padding: 0 .75rem .75rem } .in > p { margin: .5rem 0 }
table { border-collapse: collapse; width: 100%; font-size: .9rem } td, th { text-align: left; padding: .25rem .5rem .25rem 0; vertical-align: top; border-top: 1px solid var(--line) }
pre { background: var(--soft); padding: .75rem; border-radius: .5rem; overflow: auto; font-size: .8rem; max-height: 24rem } code { font-family: ui-monospace, monospace }
`

/** The reference as one page: no script, nothing from elsewhere. */
export function referencePage({ info, tags, paths }: OpenApiDocument): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  const names = tags.map(({ name }) => String(name))
  const sections = names.map((name) => {
    const own = operations.filter(({ operation }) => listOf(operation.tags).includes(name))
    return `<h2 id="${escaped(name)}">${escaped(name)}</h2>${own.map(operationHtml).join('')}`
  })
  const links = names.map((name) => `<a href="#${escaped(name)}">${escaped(name)}</a>`)
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Bursar: HTTP API</title><style>${STYLE}</style></head>
<body><h1>Bursar: HTTP API</h1><p>Version ${escaped(info.version)}. The same for machines: <a href="/openapi.json">openapi.json</a>.
Keys are sent as <code>authorization: Bearer sk-bursar-...</code>.</p><nav>${links.join('')}</nav>${sections.join('')}</body></html>`
}

type Operation = OpenApiDocument['paths'][string][string]

function operationHtml({
  path,
  method,
  operation,
}: {
  readonly path: string
  readonly method: string
  readonly operation: Operation
}): string {
  const { summary, description, parameters, requestBody, responses } = operation
  const parts = [
    description === undefined ? '' : `<p>${marked(description)}</p>`,
    parametersHtml(listOf(parameters)),
    requestBody === undefined ? '' : `<p>Body</p>${schemaHtml(requestBody)}`,
    ...Object.entries(fieldsOf(responses)).map(([status, answer]) => answerHtml(status, answer)),
  ]
  return `<details id="${escaped(operation.operationId)}"><summary><span class="method">${method.toUpperCase()}</span>
<span class="path">${escaped(path)}</span><span class="what">${marked(summary)}</span><span class="who">${escaped(WHO[String(operation['x-bursar-access'])] ?? '')}</span></summary>
<div class="in">${parts.join('')}</div></details>`
}

/** By `x-bursar-access`. */
const WHO: Readonly<Record<string, string>> = {
  anybody: 'no key',
  signature: 'signed',
  app: 'key of an app',
  viewer: 'viewer, finance, admin',
  finance: 'finance, admin',
  admin: 'admin',
}

function parametersHtml(parameters: readonly unknown[]): string {
  if (parameters.length === 0) return ''
  const rows = parameters.map((one) => {
    const { name, in: place, required, description } = fieldsOf(one)
    const need = required === true ? 'required' : ''
    return `<tr><td><code>${escaped(name)}</code></td><td>${escaped(place)}</td><td>${need}</td><td>${marked(description ?? '')}</td></tr>`
  })
  return `<table>${rows.join('')}</table>`
}

function answerHtml(status: string, answer: unknown): string {
  const { description } = fieldsOf(answer)
  const body = Number(status) < 400 ? schemaHtml(answer) : ''
  return `<p><code>${escaped(status)}</code> ${marked(description)}</p>${body}`
}

function schemaHtml(holder: unknown): string {
  const { schema } = fieldsOf(fieldsOf(fieldsOf(holder).content)['application/json'])
  return schema === undefined ? '' : `<pre>${escaped(JSON.stringify(schema, null, 2))}</pre>`
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {}
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' },
}
const escaped = (value: unknown): string =>
  String(value).replace(/[&<>"']/g, (sign) => ESCAPES[sign] ?? sign)

/** Text with `code` in it. */
const marked = (value: unknown): string => escaped(value).replace(/`([^`]+)`/g, '<code>$1</code>')
