import { Section, Text } from '@react-email/components'
import type { CSSProperties } from 'react'
import type { BarRow, Bars, Figure, Meter, Tone } from '../story.ts'
import { INK, SPEND_COLOUR, STYLE, TONE_COLOUR } from '../theme.ts'
import { percent } from '../words.ts'

/** Cells by percent of the width: tables are what every mail program lays out alike. */
function Strip({ parts, height }: { readonly parts: readonly Part[]; readonly height: number }) {
  const filled = parts.filter(({ width }) => width > 0)
  const rest = 100 - filled.reduce((sum, { width }) => sum + width, 0)
  const cell = { height, lineHeight: `${height}px`, fontSize: 1, padding: 0 }
  return (
    <table role="presentation" className="track" width="100%" style={{ ...TRACK, height }}>
      <tbody>
        <tr>
          {filled.map(({ colour, width, opacity = 1 }) => (
            <td
              key={`${colour}${opacity}`}
              width={`${width}%`}
              style={{ ...cell, backgroundColor: colour, opacity }}
            />
          ))}
          {rest > 0 && <td style={cell} />}
        </tr>
      </tbody>
    </table>
  )
}

interface Part {
  readonly colour: string
  /** Percent. */
  readonly width: number
  readonly opacity?: number
}

const TRACK: CSSProperties = {
  ...{ backgroundColor: INK.track, borderRadius: 4, overflow: 'hidden' },
  ...{ borderCollapse: 'collapse', borderSpacing: 0 },
}

const whole = (value: number): number => Math.round(Math.min(100, Math.max(0, value)))

/** How full it is, and under it how much of the time is gone. */
export function MeterBar({ meter, tone }: { readonly meter: Meter; readonly tone: Tone }) {
  const used = whole(meter.usedPercent)
  const held = Math.min(whole(meter.heldPercent), 100 - used)
  const colour = TONE_COLOUR[tone]
  return (
    <Section style={{ paddingTop: 16 }}>
      <Strip
        height={10}
        parts={[
          { colour, width: used },
          { colour, width: held, opacity: 0.45 },
        ]}
      />
      {meter.timePercent !== null && (
        <>
          <div style={{ height: 4, lineHeight: '4px' }} />
          <Strip height={4} parts={[{ colour: INK.soft, width: whole(meter.timePercent) }]} />
          <Text className="soft" style={{ ...STYLE.small, paddingTop: 5 }}>
            {percent(meter.usedPercent)} spent, {percent(meter.timePercent)} of the time gone
          </Text>
        </>
      )}
    </Section>
  )
}

/** Two to a line. */
export function FigureGrid({ figures }: { readonly figures: readonly Figure[] }) {
  if (figures.length === 0) return null
  const lines = figures.flatMap((_, at) => (at % 2 === 0 ? [figures.slice(at, at + 2)] : []))
  return (
    <table role="presentation" width="100%" style={{ marginTop: 12, borderCollapse: 'collapse' }}>
      <tbody>
        {lines.map((line) => (
          <tr key={line[0]?.label}>
            {line.map(({ label, value }) => (
              <td key={label} width="50%" valign="top" style={{ padding: '8px 12px 0 0' }}>
                <Text className="soft" style={STYLE.label}>
                  {label}
                </Text>
                <Text className="text" style={STYLE.value}>
                  {value}
                </Text>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** A heading, and a line with its length for each row. */
export function BarList({ bars, tone }: { readonly bars: Bars; readonly tone: Tone }) {
  const { tone: own = tone } = bars
  const colour = own === 'plain' ? SPEND_COLOUR : TONE_COLOUR[own]
  return (
    <Section style={{ paddingTop: 22 }}>
      <Text className="soft" style={STYLE.head}>
        {bars.title}
      </Text>
      {bars.rows.map((row) => (
        <Bar key={`${row.name} ${row.note} ${row.value}`} row={row} colour={colour} />
      ))}
    </Section>
  )
}

const NOTE: CSSProperties = {
  ...{ ...STYLE.small, display: 'inline-block', whiteSpace: 'nowrap' },
}
/** The first blank ends its line where the note begins the next. */
const GAP = '\u00a0 '
const VALUE: CSSProperties = { ...STYLE.name, fontWeight: 600, whiteSpace: 'nowrap' }

function Bar({ row, colour }: { readonly row: BarRow; readonly colour: string }) {
  const { name, value, note, share } = row
  return (
    <>
      <table role="presentation" width="100%" style={{ marginTop: 8, borderCollapse: 'collapse' }}>
        <tbody>
          <tr>
            <td valign="bottom" style={{ padding: 0 }}>
              <Text className="text" style={STYLE.name}>
                {name}
                {GAP}
                <span className="soft" style={NOTE}>
                  {note}
                </span>
              </Text>
            </td>
            <td valign="bottom" align="right" style={{ padding: '0 0 0 12px' }}>
              <Text className="text" style={VALUE}>
                {value}
              </Text>
            </td>
          </tr>
        </tbody>
      </table>
      {share !== null && (
        <div style={{ paddingTop: 3 }}>
          <Strip height={5} parts={[{ colour, width: whole(share * 100) }]} />
        </div>
      )}
    </>
  )
}
