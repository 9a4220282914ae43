import { OWN_TAGS } from '../../../admission/plan/own-tags.ts'
import { formatUsd } from '../../../money/usd.ts'
import { ownersTags } from '../plain.ts'
import type { ExportRow } from '../rows.ts'

/**
 * Columns of the dataset Cost and Usage of FOCUS, filled from charges. Those that FOCUS asks for on conditions that do not
 * hold here are left out: regions, resources, commitments, invoices, other currencies, and unit prices (a call has
 * several rates). @see https://focus.finops.org/focus-specification/ versions 1.2 and 1.4.
 */
export const FOCUS_VERSIONS = ['1.2', '1.4'] as const
export type FocusVersion = (typeof FOCUS_VERSIONS)[number]

/** Whom the provider bills, as the invoice names them. */
export interface BillingAccount {
  readonly id: string
  readonly name: string | null
}

/** null = an empty field, which is how a CSV says null. */
type Value = string | null
export type FocusColumn = readonly [
  name: string,
  of: (row: ExportRow, account: BillingAccount) => Value,
  /** Numbers and instants: nothing that a caller wrote. */
  raw?: 'raw',
]

const HOUR_MS = 3_600_000
const second = (atMs: number): string => new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z')
const hourOf = (atMs: number): number => Math.floor(atMs / HOUR_MS) * HOUR_MS

/** What an earlier month was billed is corrected in the month in which the correction was booked. */
const billedAtMs = ({ kind, admittedAtMs, bookedAtMs }: ExportRow): number =>
  kind === 'adjustment' ? Math.max(bookedAtMs, admittedAtMs) : admittedAtMs

function monthOf(atMs: number, later: 0 | 1): string {
  const at = new Date(atMs)
  return second(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + later))
}

const isCorrection = (row: ExportRow): boolean =>
  monthOf(billedAtMs(row), 0) !== monthOf(row.admittedAtMs, 0)
const isUsage = ({ kind }: ExportRow): boolean => kind === 'call'

function tokensOf(row: ExportRow): number | null {
  if (row.inputTokens === null) return null
  const buckets = [row.inputTokens, row.cachedInputTokens, row.cacheWriteTokens]
  return [...buckets, row.outputTokens, row.reasoningTokens].reduce<number>(
    (sum, tokens) => sum + (tokens ?? 0),
    0,
  )
}

/** Where nobody knows the tokens of a call, what was consumed is one request. */
const quantity = (row: ExportRow): Value => (isUsage(row) ? String(tokensOf(row) ?? 1) : null)
const unit = (row: ExportRow): Value => {
  if (!isUsage(row)) return null
  return tokensOf(row) === null ? 'Requests' : 'Tokens'
}

/** A charge of which the ledger does not know the provider is of a call whose record was lost. */
const providerOf = ({ provider }: ExportRow): string => provider || 'Unknown'
const modelOf = ({ model, servedModel }: ExportRow): string => model || servedModel || 'Unknown'
const text = (value: string | null): Value => value || null
const number = (value: number | null): Value => (value === null ? null : String(value))
const cost = (row: ExportRow): Value => formatUsd(row.costNano)

const described = (row: ExportRow): string =>
  isUsage(row)
    ? `${row.operation ?? 'call'} by ${modelOf(row)}`
    : `correction (${row.status}) of a ${row.operation ?? 'call'} by ${modelOf(row)}`

function details(row: ExportRow): Value {
  if (!isUsage(row)) return null
  return JSON.stringify({
    x_Model: modelOf(row),
    x_ServiceTier: row.serviceTier ?? 'default',
    ...(row.priceVersion ? { x_PriceVersion: row.priceVersion } : {}),
  })
}

function tags(row: ExportRow): Value {
  const own = ownersTags(row)
  return Object.keys(own).length === 0 ? null : JSON.stringify(own)
}

/** In both versions. */
const SHARED: readonly FocusColumn[] = [
  ['BilledCost', cost, 'raw'],
  ['BillingAccountId', (_, { id }) => id],
  ['BillingAccountName', (_, { name }) => name],
  ['BillingCurrency', () => 'USD'],
  ['BillingPeriodEnd', (row) => monthOf(billedAtMs(row), 1), 'raw'],
  ['BillingPeriodStart', (row) => monthOf(billedAtMs(row), 0), 'raw'],
  ['ChargeCategory', (row) => (isUsage(row) ? 'Usage' : 'Adjustment')],
  ['ChargeClass', (row) => (isCorrection(row) ? 'Correction' : null)],
  ['ChargeDescription', described],
  ['ChargeFrequency', (row) => (isUsage(row) ? 'Usage-Based' : 'One-Time')],
  ['ChargePeriodEnd', (row) => second(hourOf(row.admittedAtMs) + HOUR_MS), 'raw'],
  ['ChargePeriodStart', (row) => second(hourOf(row.admittedAtMs)), 'raw'],
  ['ConsumedQuantity', quantity, 'raw'],
  ['ConsumedUnit', unit],
  ['ContractedCost', cost, 'raw'],
  ['EffectiveCost', cost, 'raw'],
  ['InvoiceIssuerName', providerOf],
  ['ListCost', (row) => formatUsd(row.listNano), 'raw'],
  ['PricingCategory', (row) => (isUsage(row) ? 'Standard' : null)],
  ['PricingQuantity', quantity, 'raw'],
  ['PricingUnit', unit],
  ['ServiceCategory', () => 'AI and Machine Learning'],
  ['ServiceName', (row) => `${providerOf(row)} API`],
  ['ServiceSubcategory', () => 'Generative AI'],
  ['SkuId', modelOf],
  ['SkuMeter', () => 'Tokens'],
  ['SkuPriceDetails', details],
  [
    'SkuPriceId',
    (row) => (isUsage(row) ? `${modelOf(row)}/${row.serviceTier ?? 'default'}` : null),
  ],
  ['SubAccountId', (row) => text(row.tenant)],
  ['SubAccountName', (row) => text(row.tenant)],
  ['Tags', tags],
]

const OF_VERSION: Readonly<Record<FocusVersion, readonly FocusColumn[]>> = {
  '1.2': [
    ['ProviderName', providerOf],
    ['PublisherName', providerOf],
  ],
  '1.4': [
    ['HostProviderName', providerOf],
    ['ServiceProviderName', providerOf],
  ],
}

/** What FOCUS has no column for. */
const OURS: readonly FocusColumn[] = [
  ['x_Attempt', (row) => row.attempt],
  ['x_Job', (row) => text(row.job)],
  ['x_Status', (row) => text(row.status)],
  ['x_AdmittedAt', (row) => second(row.admittedAtMs), 'raw'],
  ['x_User', (row) => text(row.user)],
  ['x_Tier', (row) => text(row.tier)],
  ['x_KeyId', (row) => text(row.tags?.[OWN_TAGS.key] ?? null)],
  ['x_Session', (row) => text(row.tags?.[OWN_TAGS.session] ?? null)],
  ['x_Run', (row) => text(row.tags?.[OWN_TAGS.run] ?? null)],
  ['x_Operation', (row) => text(row.operation)],
  ['x_Urgency', (row) => text(row.urgency)],
  ['x_ModelRequested', (row) => text(row.modelRequested)],
  ['x_ServedModel', (row) => text(row.servedModel)],
  ['x_ServiceTier', (row) => text(row.serviceTier)],
  ['x_InputTokens', (row) => number(row.inputTokens), 'raw'],
  ['x_CachedInputTokens', (row) => number(row.cachedInputTokens), 'raw'],
  ['x_CacheWriteTokens', (row) => number(row.cacheWriteTokens), 'raw'],
  ['x_OutputTokens', (row) => number(row.outputTokens), 'raw'],
  ['x_ReasoningTokens', (row) => number(row.reasoningTokens), 'raw'],
  ['x_OverrunCost', (row) => formatUsd(row.overrunNano), 'raw'],
  ['x_PriceVersion', (row) => text(row.priceVersion)],
  ['x_PolicyVersion', (row) => number(row.policyVersion), 'raw'],
]

/** Columns of a version: those of FOCUS in the order of their names, then ours. */
export const focusColumns = (version: FocusVersion): readonly FocusColumn[] => [
  ...[...SHARED, ...OF_VERSION[version]].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ...OURS,
]
