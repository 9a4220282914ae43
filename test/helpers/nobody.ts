/** An address of this machine at which nobody answers: unlike one that was free a moment ago, no process is given it by chance. */
export const NOBODY = 'http://127.0.0.1:2'
