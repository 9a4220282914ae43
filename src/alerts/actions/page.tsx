import { createHash } from 'node:crypto'
import { renderToStaticMarkup } from 'react-dom/server'
import type { Figure, Meter, Note } from '../templates/story.ts'
import { TONE_COLOUR } from '../templates/theme.ts'
import { percent } from '../templates/words.ts'
import type { Field, Form, Page } from './page-model.ts'
import { PAGE_STYLE } from './page-style.ts'

/** A page as a whole HTML document. It loads nothing and runs nothing. */
export const pageHtml = (page: Page): string =>
  `<!doctype html>${renderToStaticMarkup(<Document page={page} />)}`

const STYLE_HASH = createHash('sha256').update(PAGE_STYLE).digest('base64')

/**
 * What keeps a page to itself: nothing is loaded, framed, stored or told where it was (its address is a permission).
 * @see https://www.w3.org/TR/CSP3/
 */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex, nofollow',
}

function Document({ page }: { readonly page: Page }) {
  const { title, lead, badge, tone, meter, figures, notes, form, footer } = page
  return (
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} - Bursar`}</title>
        {/* biome-ignore lint/security/noDangerouslySetInnerHtml: a constant of ours, which must be the text that was hashed */}
        <style dangerouslySetInnerHTML={{ __html: PAGE_STYLE }} />
      </head>
      <body className={`tone-${tone}`}>
        <main>
          <p className="brand">
            <span className="badge">{badge}</span> Bursar
          </p>
          <h1>{title}</h1>
          <p className="lead">{lead}</p>
          {meter && <MeterLine meter={meter} colour={TONE_COLOUR[tone]} />}
          {figures.length > 0 && <Figures figures={figures} />}
          {notes.map((note) => (
            <NoteBlock key={note.title} note={note} />
          ))}
          {form && <FormBlock form={form} />}
          {footer !== '' && <footer>{footer}</footer>}
        </main>
      </body>
    </html>
  )
}

/** Drawn as SVG: widths may not stand in a style here. */
function MeterLine({ meter, colour }: { readonly meter: Meter; readonly colour: string }) {
  const used = Math.min(100, Math.max(0, meter.usedPercent))
  const held = Math.min(100 - used, Math.max(0, meter.heldPercent))
  const label = `${percent(meter.usedPercent)} spent, ${percent(meter.heldPercent)} held`
  return (
    <svg viewBox="0 0 100 2" preserveAspectRatio="none" role="img" aria-label={label}>
      <rect className="track" width="100" height="2" />
      <rect fill={colour} width={used} height="2" />
      <rect fill={colour} opacity="0.45" x={used} width={held} height="2" />
    </svg>
  )
}

const Figures = ({ figures }: { readonly figures: readonly Figure[] }) => (
  <dl>
    {figures.map(({ label, value }) => (
      <div key={label}>
        <dt>{label}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
)

const NoteBlock = ({ note: { title, text } }: { readonly note: Note }) => (
  <section>
    <h2>{title}</h2>
    <p>{text}</p>
  </section>
)

const FormBlock = ({ form: { token, proof, fields, submit } }: { readonly form: Form }) => (
  <form method="post" action="?" autoComplete="off">
    <input type="hidden" name="t" value={token} />
    <input type="hidden" name="proof" value={proof} />
    {fields.map((field) => (
      <FieldBlock key={field.name} field={field} />
    ))}
    <button type="submit">{submit}</button>
  </form>
)

function FieldBlock({ field }: { readonly field: Field }) {
  const { name, label, hint } = field
  return (
    <div className="field">
      <label htmlFor={name}>{label}</label>
      <Control field={field} />
      {hint !== '' && (
        <p className="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

function Control({ field }: { readonly field: Field }) {
  const { name, value, required, hint } = field
  const described = hint === '' ? undefined : `${name}-hint`
  const shared = { id: name, name, required, 'aria-describedby': described }
  switch (field.kind) {
    case 'text':
      return <input {...shared} type="text" maxLength={field.longest} defaultValue={value} />
    case 'usd':
      return (
        <>
          <input
            {...shared}
            {...{ type: 'text', inputMode: 'decimal', list: `${name}-offers` }}
            defaultValue={value}
          />
          <datalist id={`${name}-offers`}>
            {field.offers.map((offer) => (
              <option key={offer} value={offer} />
            ))}
          </datalist>
        </>
      )
    case 'choice':
      return (
        <select {...shared} defaultValue={value}>
          {field.options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )
  }
}
