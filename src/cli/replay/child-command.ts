/** The hidden command that the children of a replay run; `child-roles.ts` has what they do. */
export const CHILD_COMMAND = 'replay-child'
