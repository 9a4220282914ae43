/**
 * The column rules of FOCUS, dataset Cost and Usage, as they can be checked row by row, written from the specification
 * alone (read 2026-11-21): https://github.com/FinOps-Open-Cost-and-Usage-Spec/FOCUS_Spec, tag v1.2, and for 1.4 its table of
 * columns. It shares nothing with what writes the files.
 */
type Level = 'mandatory' | 'recommended' | 'conditional'
type Type = 'string' | 'decimal' | 'instant' | 'json'
type Rule = readonly [name: string, level: Level, nulls: boolean, type: Type]

const OF_BOTH: readonly Rule[] = [
  ['AvailabilityZone', 'recommended', true, 'string'],
  ['BilledCost', 'mandatory', false, 'decimal'],
  ['BillingAccountId', 'mandatory', false, 'string'],
  ['BillingAccountName', 'mandatory', true, 'string'],
  ['BillingAccountType', 'conditional', false, 'string'],
  ['BillingCurrency', 'mandatory', false, 'string'],
  ['BillingPeriodEnd', 'mandatory', false, 'instant'],
  ['BillingPeriodStart', 'mandatory', false, 'instant'],
  ['CapacityReservationId', 'conditional', true, 'string'],
  ['CapacityReservationStatus', 'conditional', true, 'string'],
  ['ChargeCategory', 'mandatory', false, 'string'],
  ['ChargeClass', 'mandatory', true, 'string'],
  ['ChargeDescription', 'mandatory', true, 'string'],
  ['ChargeFrequency', 'recommended', false, 'string'],
  ['ChargePeriodEnd', 'mandatory', false, 'instant'],
  ['ChargePeriodStart', 'mandatory', false, 'instant'],
  ['CommitmentDiscountCategory', 'conditional', true, 'string'],
  ['CommitmentDiscountId', 'conditional', true, 'string'],
  ['CommitmentDiscountName', 'conditional', true, 'string'],
  ['CommitmentDiscountQuantity', 'conditional', true, 'decimal'],
  ['CommitmentDiscountStatus', 'conditional', true, 'string'],
  ['CommitmentDiscountType', 'conditional', true, 'string'],
  ['CommitmentDiscountUnit', 'conditional', true, 'string'],
  ['ConsumedQuantity', 'conditional', true, 'decimal'],
  ['ConsumedUnit', 'conditional', true, 'string'],
  ['ContractedCost', 'mandatory', false, 'decimal'],
  ['ContractedUnitPrice', 'conditional', true, 'decimal'],
  ['EffectiveCost', 'mandatory', false, 'decimal'],
  ['InvoiceId', 'recommended', true, 'string'],
  ['InvoiceIssuerName', 'mandatory', false, 'string'],
  ['ListCost', 'mandatory', false, 'decimal'],
  ['ListUnitPrice', 'conditional', true, 'decimal'],
  ['PricingCategory', 'conditional', true, 'string'],
  ['PricingCurrency', 'conditional', true, 'string'],
  ['PricingCurrencyContractedUnitPrice', 'conditional', true, 'decimal'],
  ['PricingCurrencyEffectiveCost', 'conditional', true, 'decimal'],
  ['PricingCurrencyListUnitPrice', 'conditional', true, 'decimal'],
  ['PricingQuantity', 'mandatory', true, 'decimal'],
  ['PricingUnit', 'mandatory', true, 'string'],
  ['RegionId', 'conditional', true, 'string'],
  ['RegionName', 'conditional', true, 'string'],
  ['ResourceId', 'conditional', true, 'string'],
  ['ResourceName', 'conditional', true, 'string'],
  ['ResourceType', 'conditional', true, 'string'],
  ['ServiceCategory', 'mandatory', false, 'string'],
  ['ServiceName', 'mandatory', false, 'string'],
  ['ServiceSubcategory', 'recommended', false, 'string'],
  ['SkuId', 'conditional', true, 'string'],
  ['SkuMeter', 'conditional', true, 'string'],
  ['SkuPriceDetails', 'conditional', true, 'json'],
  ['SkuPriceId', 'conditional', true, 'string'],
  ['SubAccountId', 'conditional', true, 'string'],
  ['SubAccountName', 'conditional', true, 'string'],
  ['SubAccountType', 'conditional', true, 'string'],
  ['Tags', 'conditional', true, 'json'],
]

const OF_ONE: Readonly<Record<'1.2' | '1.4', readonly Rule[]>> = {
  '1.2': [
    ['ProviderName', 'mandatory', false, 'string'],
    ['PublisherName', 'mandatory', false, 'string'],
  ],
  '1.4': [
    ['AllocatedMethodDetails', 'recommended', true, 'json'],
    ['AllocatedMethodId', 'conditional', true, 'string'],
    ['AllocatedResourceId', 'conditional', true, 'string'],
    ['AllocatedResourceName', 'conditional', true, 'string'],
    ['AllocatedTags', 'conditional', true, 'json'],
    ['CommitmentProgramEligibilityDetails', 'conditional', true, 'json'],
    ['ContractApplied', 'conditional', true, 'json'],
    ['HostProviderName', 'mandatory', false, 'string'],
    ['InvoiceDetailId', 'conditional', true, 'string'],
    ['ServiceProviderName', 'mandatory', false, 'string'],
  ],
}

/** 57 columns in 1.2, 65 in 1.4. */
export const focusRules = (version: '1.2' | '1.4'): readonly Rule[] => [
  ...OF_BOTH,
  ...OF_ONE[version],
]

const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  ChargeCategory: ['Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment'],
  ChargeClass: ['Correction'],
  ChargeFrequency: ['One-Time', 'Recurring', 'Usage-Based'],
  PricingCategory: ['Standard', 'Dynamic', 'Committed', 'Other'],
  ServiceCategory: ['AI and Machine Learning'],
  ServiceSubcategory: ['AI Platforms', 'Generative AI', 'Natural Language Processing'],
  BillingCurrency: ['USD'],
}

const FORMS: Readonly<Record<Exclude<Type, 'json'>, RegExp>> = {
  string: /\S/,
  decimal: /^-?\d+(\.\d+)?$/,
  instant: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
}

function formFault(value: string, type: Type): boolean {
  if (type !== 'json') return !FORMS[type].test(value)
  const parsed: unknown = JSON.parse(value)
  // KeyValueFormat: an object, without objects or lists in it.
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return true
  return Object.values(parsed).some((one) => typeof one === 'object' && one !== null)
}

/** What a header breaks. */
export function headerFaults(header: readonly string[], version: '1.2' | '1.4'): string[] {
  const rules = focusRules(version)
  const known = new Set(rules.map(([name]) => name))
  const firstOwn = header.findIndex((name) => name.startsWith('x_'))
  return [
    ...rules
      .filter(([name, level]) => level === 'mandatory' && !header.includes(name))
      .map(([name]) => `${name} is missing`),
    ...header
      .filter((name) => !known.has(name) && !/^x_[A-Z][A-Za-z]+$/.test(name))
      .map((name) => `${name} is no column of ${version}`),
    ...header
      .slice(firstOwn)
      .filter((name) => !name.startsWith('x_'))
      .map((name) => `${name} stands behind columns of our own`),
    ...(new Set(header).size === header.length ? [] : ['a column stands there twice']),
  ]
}

/** Conditions between columns, each of which must hold in every row. '' = null. */
const LAWS: Readonly<Record<string, (of: (name: string) => string) => boolean>> = {
  'ConsumedQuantity is null unless Usage': (of) =>
    of('ChargeCategory') === 'Usage' || of('ConsumedQuantity') === '',
  'ConsumedQuantity is there for Usage': (of) =>
    of('ChargeCategory') !== 'Usage' || of('ChargeClass') !== '' || of('ConsumedQuantity') !== '',
  'ConsumedUnit goes with ConsumedQuantity': (of) =>
    (of('ConsumedUnit') === '') === (of('ConsumedQuantity') === ''),
  'PricingQuantity is there for Usage': (of) =>
    of('ChargeCategory') !== 'Usage' || of('ChargeClass') !== '' || of('PricingQuantity') !== '',
  'PricingUnit goes with PricingQuantity': (of) =>
    (of('PricingUnit') === '') === (of('PricingQuantity') === ''),
  'PricingCategory is there for Usage': (of) =>
    of('ChargeCategory') !== 'Usage' || of('ChargeClass') !== '' || of('PricingCategory') !== '',
  'SkuId and SkuPriceId are there for Usage': (of) =>
    of('ChargeCategory') !== 'Usage' || (of('SkuId') !== '' && of('SkuPriceId') !== ''),
  'SkuPriceDetails goes with SkuPriceId': (of) =>
    of('SkuPriceId') !== '' || of('SkuPriceDetails') === '',
  'SkuMeter goes with SkuId': (of) => of('SkuId') !== '' || of('SkuMeter') === '',
  'SubAccountName goes with SubAccountId': (of) =>
    (of('SubAccountName') === '') === (of('SubAccountId') === ''),
  'periods end after they begin': (of) =>
    of('ChargePeriodStart') < of('ChargePeriodEnd') &&
    of('BillingPeriodStart') < of('BillingPeriodEnd'),
  'a charge lies in its billing period, or corrects another': (of) =>
    of('ChargeClass') === 'Correction' ||
    (of('BillingPeriodStart') <= of('ChargePeriodStart') &&
      of('ChargePeriodEnd') <= of('BillingPeriodEnd')),
  'what is unrelated to other charges is effective as billed': (of) =>
    of('EffectiveCost') === of('BilledCost') && of('ContractedCost') === of('BilledCost'),
  'names of properties are FOCUS’s or begin with x_': (of) =>
    of('SkuPriceDetails') === '' ||
    Object.keys(JSON.parse(of('SkuPriceDetails'))).every((name) => name.startsWith('x_')),
}

/** What a row breaks. @param cells - in the order of the header. */
export function rowFaults(
  header: readonly string[],
  cells: readonly string[],
  version: '1.2' | '1.4',
): string[] {
  const of = (name: string): string => cells[header.indexOf(name)] ?? ''
  const faults = cells.length === header.length ? [] : [`${cells.length} of ${header.length} cells`]
  for (const [name, , nulls, type] of focusRules(version)) {
    if (!header.includes(name)) continue
    const value = of(name)
    if (value === '') {
      if (!nulls) faults.push(`${name} is null`)
    } else if (formFault(value, type)) faults.push(`${name} is no ${type}: ${value}`)
    else if (ALLOWED[name]?.includes(value) === false) faults.push(`${name} may not be ${value}`)
  }
  const broken = Object.entries(LAWS).filter(([, holds]) => !holds(of))
  return [...faults, ...broken.map(([law]) => law)]
}

/** Reads CSV by RFC 4180, quoted line breaks too. */
export function readCsv(text: string): string[][] {
  const rows: string[][] = []
  let [row, cell, quoted]: [string[], string, boolean] = [[], '', false]
  for (let at = 0; at < text.length; at += 1) {
    const one = text[at] ?? ''
    if (quoted) {
      if (one !== '"') cell += one
      else if (text[at + 1] === '"') {
        cell += '"'
        at += 1
      } else quoted = false
    } else if (one === '"') quoted = true
    else if (one === ',' || one === '\r') {
      row.push(cell)
      cell = ''
      if (one === '\r') {
        rows.push(row)
        row = []
        at += 1
      }
    } else cell += one
  }
  return rows
}
