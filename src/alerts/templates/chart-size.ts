/** Size on the page; the picture has twice as many pixels each way. */
export const CHART_WIDTH = 536
export const CHART_HEIGHT = 140
/** Content-ID of the picture: one message has one at most. */
export const CHART_CID = 'chart@bursar'
