/** The hidden command that the children of replay and demo run; `child-command.ts` has what it does. */
export const CHILD_COMMAND = 'traffic-child'
