import type { IncomingHttpHeaders } from 'node:http'
import { Counter, type Registry } from 'prom-client'

const NAME = 'bursar_sdk_retries_total'

/** OpenAI's SDKs number their retries. @see https://github.com/openai/openai-node (src/client.ts) */
const isRetry = ({ 'x-stainless-retry-count': count }: IncomingHttpHeaders): boolean =>
  typeof count === 'string' && /^[1-9]\d{0,3}$/.test(count)

/** Counts what SDKs send again, by route: many of them mean that answers are slow or break. */
export function countRetries(
  registry: Registry,
): (route: string, headers: IncomingHttpHeaders) => void {
  const known = registry.getSingleMetric(NAME)
  const counter =
    known instanceof Counter
      ? known
      : new Counter({
          name: NAME,
          help: 'Requests that an OpenAI SDK sent again',
          labelNames: ['route'],
          registers: [registry],
        })
  return (route, headers) => {
    if (isRetry(headers)) counter.inc({ route })
  }
}
