import { z } from 'zod'
import { type Bill, DAY_MS } from './bill.ts'
import { check } from './request.ts'

const DAY_S = DAY_MS / 1000

const Query = z.object({
  start_time: z.coerce.number().int().min(0),
  end_time: z.coerce.number().int().min(0).optional(),
  bucket_width: z.literal('1d').optional(),
  limit: z.coerce.number().int().min(1).max(180).default(7),
  page: z.coerce.number().int().min(0).optional(),
})

/**
 * The bill by UTC day, in the shape of OpenAI's organisation costs.
 * Days without calls are empty buckets, and the page token is the first day of the next page.
 */
export function costsPage(bill: Bill, params: URLSearchParams, nowMs: number) {
  const query = check(Query, Object.fromEntries(params))
  const byModel = [...params.getAll('group_by'), ...params.getAll('group_by[]')].includes(
    'line_item',
  )
  const first = query.page ?? Math.floor(query.start_time / DAY_S)
  const end = Math.ceil(
    Math.min(query.end_time ?? Number.POSITIVE_INFINITY, nowMs / 1000 + 1) / DAY_S,
  )
  const last = Math.min(end, first + query.limit)
  const days = Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i)
  const hasMore = last < end
  return {
    object: 'page',
    data: days.map((day) => ({
      object: 'bucket',
      start_time: day * DAY_S,
      end_time: (day + 1) * DAY_S,
      results: resultsOf(bill.days.get(day), byModel),
    })),
    has_more: hasMore,
    next_page: hasMore ? String(last) : null,
  }
}

function resultsOf(models: ReadonlyMap<string, number> | undefined, byModel: boolean) {
  if (!models) return []
  const result = (lineItem: string | null, nano: number) => ({
    object: 'organization.costs.result',
    amount: { value: nano / 1e9, currency: 'usd' },
    line_item: lineItem,
    project_id: null,
    organization_id: 'org-sandbox',
  })
  if (byModel) return [...models].map(([model, nano]) => result(model, nano))
  return [
    result(
      null,
      [...models.values()].reduce((sum, nano) => sum + nano, 0),
    ),
  ]
}
