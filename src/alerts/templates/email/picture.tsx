import { Img, Section, Text } from '@react-email/components'
import { CHART_CID, CHART_HEIGHT, CHART_WIDTH } from '../chart-size.ts'
import type { Chart } from '../story.ts'
import { LIMIT_COLOUR, SPEND_COLOUR, STYLE } from '../theme.ts'

/** The chart and the words around it, which a picture would only have in one font and one colour. */
export function Picture({ chart }: { readonly chart: Chart }) {
  return (
    <Section style={{ paddingTop: 20 }}>
      <Img
        src={`cid:${CHART_CID}`}
        alt={chart.alt}
        width={CHART_WIDTH}
        height={CHART_HEIGHT}
        style={{ width: '100%', maxWidth: CHART_WIDTH, height: 'auto' }}
      />
      <Axis axis={chart.axis} />
      <Text className="soft" style={{ ...STYLE.small, paddingTop: 2 }}>
        {chart.legend.map(({ mark, text }) => (
          <span key={mark} style={{ paddingRight: 14, whiteSpace: 'nowrap' }}>
            <span style={{ color: MARK_COLOUR[mark], fontWeight: 700 }}>{MARKS[mark]}</span> {text}
          </span>
        ))}
      </Text>
    </Section>
  )
}

const ALIGN = ['left', 'center', 'right'] as const

function Axis({ axis }: Pick<Chart, 'axis'>) {
  return (
    <table role="presentation" width="100%" style={{ borderCollapse: 'collapse' }}>
      <tbody>
        <tr>
          {ALIGN.map((align, at) => (
            <td key={align} align={align} style={{ padding: 0 }}>
              <Text className="soft" style={STYLE.small}>
                {axis[at]}
              </Text>
            </td>
          ))}
        </tr>
      </tbody>
    </table>
  )
}

type Mark = Chart['legend'][number]['mark']
const MARKS: Readonly<Record<Mark, string>> = { line: '━', band: '░', limit: '╍', bar: '▮' }
const MARK_COLOUR: Readonly<Record<Mark, string>> = {
  line: SPEND_COLOUR,
  band: SPEND_COLOUR,
  limit: LIMIT_COLOUR,
  bar: SPEND_COLOUR,
}
