/** Virtual seconds per second, or as fast as the workers can. */
export type Speed = number | 'max'
