/** Calendar windows, each in the budget's own timezone. Weeks are ISO weeks (Monday). */
export const PERIODS = ['minute', 'hour', 'day', 'week', 'month', 'year'] as const
export type Period = (typeof PERIODS)[number]
/** How often a budget begins anew; `lifetime` = never. */
export const WINDOW_PERIODS = [...PERIODS, 'lifetime'] as const
export type WindowPeriod = (typeof WINDOW_PERIODS)[number]
