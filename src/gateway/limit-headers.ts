export { limitHeaders, refusingLimits } from '../queue/limit-headers.ts'
