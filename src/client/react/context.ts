import { createContext, createElement, type ReactNode, useContext } from 'react'
import { BursarError } from '../../errors.ts'
import type { BrowserBursar } from './bursar.ts'

const Context = createContext<BrowserBursar | null>(null)

/** Gives the hooks below it their Bursar. */
export const BursarProvider = ({
  bursar,
  children,
}: {
  readonly bursar: BrowserBursar
  readonly children?: ReactNode
}): ReactNode => createElement(Context.Provider, { value: bursar }, children)

/** @throws {BursarError} INVALID_OPTIONS outside of a `BursarProvider`. */
export function useBursar(): BrowserBursar {
  const bursar = useContext(Context)
  if (bursar) return bursar
  throw new BursarError(
    'INVALID_OPTIONS',
    'no Bursar here: put <BursarProvider bursar={createBrowserBursar({ url: "/bursar" })}> around the page',
  )
}
