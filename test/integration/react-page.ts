import { createElement, type ReactNode, StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'
import {
  BursarProvider,
  createBrowserBursar,
  createCacheHook,
  useCacheMetrics,
  useJob,
  useQuota,
  useUsage,
} from '../../src/client/react/index.ts'

/** The page that test/integration/react.test.ts builds and opens: one view of it by `?view=`. */

const h = createElement
const bursar = createBrowserBursar({ url: '/bursar' })

const line = (id: string, value: unknown): ReactNode =>
  h('p', { id, key: id }, typeof value === 'string' ? value : JSON.stringify(value))
const button = (id: string, onClick: () => void): ReactNode =>
  h('button', { id, key: id, onClick }, id)

const useThing = createCacheHook(
  'things',
  async (key, signal) => (await fetch(`/thing/${key}`, { signal })).text(),
  { ttlMs: 60_000 },
)

function QuotaView(): ReactNode {
  const [enabled, setEnabled] = useState(false)
  const { data, isLoading, refetch } = useQuota({ user: 'rich' }, { enabled })
  return h(
    'div',
    null,
    line('left', data?.left ?? 'unknown'),
    line('loading', isLoading),
    button('enable', () => setEnabled(true)),
    button('refetch', () => void refetch()),
  )
}

const QUESTION = {
  user: 'rich',
  model: 'auto',
  cache: false,
  messages: [{ role: 'user' as const, content: 'Tell me a story about a river' }],
}
/** Long enough for whoever looks at it to leave before its end. */
const LONG = {
  ...QUESTION,
  metadata: { sandbox_output_tokens: '900', sandbox_chunk_delay_ms: '100' },
}
const seen: string[] = []

const JobView = (): ReactNode => h(AnswerView, { request: QUESTION })
const LongView = (): ReactNode => h(AnswerView, { request: LONG })

function AnswerView({ request }: { readonly request: typeof QUESTION }): ReactNode {
  const { status, text, answer, error, cancel } = useJob(request)
  if (seen.at(-1) !== text) seen.push(text)
  const code = error instanceof Error && 'code' in error ? error.code : null
  return h(
    'div',
    null,
    line('status', status),
    line('text', text),
    line('cost', answer?.receipt.costUsd ?? ''),
    line('pieces', seen.length),
    line('code', code),
    button('cancel', cancel),
  )
}

function AskView(): ReactNode {
  const { status, start, text } = useJob()
  return h(
    'div',
    null,
    line('status', status),
    line('text', text),
    button('first', () => void start(LONG)),
    button('second', () => void start(QUESTION)),
  )
}

function ThingView({ id }: { readonly id: string }): ReactNode {
  const { data } = useThing('k1')
  return line(id, data ?? 'none')
}
const CacheView = (): ReactNode =>
  h('div', null, h(ThingView, { id: 'one' }), h(ThingView, { id: 'other' }))

function SlowView(): ReactNode {
  const { isLoading } = useThing('slow')
  return line('loading', isLoading)
}

function FiguresView(): ReactNode {
  const { data: usage, error } = useUsage({ by: 'user' })
  const { data: metrics } = useCacheMetrics()
  return h(
    'div',
    null,
    line('groups', usage?.rows.map(({ group }) => group) ?? []),
    line('error', error === null ? 'none' : String(error)),
    line('tenants', metrics?.requests.map(({ tenant }) => tenant) ?? []),
    line('page', metrics?.page ?? {}),
  )
}

const VIEWS = {
  quota: QuotaView,
  job: JobView,
  long: LongView,
  ask: AskView,
  cache: CacheView,
  slow: SlowView,
  figures: FiguresView,
} as const

function Page({ view }: { readonly view: keyof typeof VIEWS }): ReactNode {
  const [shown, setShown] = useState(true)
  return h(
    'div',
    null,
    button('toggle', () => setShown(!shown)),
    shown ? h(VIEWS[view]) : line('gone', 'gone'),
  )
}

/** Opens one view. Called by the page, which knows where it is. */
export function open(view: keyof typeof VIEWS, root: Parameters<typeof createRoot>[0]): void {
  const page = h(BursarProvider, { bursar }, h(Page, { view }))
  createRoot(root).render(h(StrictMode, null, page))
}
