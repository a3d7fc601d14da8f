/**
 * Promises between our own functions.
 *
 * An InvariantError is always a bug of ours: it is never caught to go on, and crosses the public API as
 * code 65535 ("unexpected").
 */

/** A promise between our own functions was broken. */
export class InvariantError extends Error {
  constructor(message: string) {
    super(`invariant broken: ${message}`)
    this.name = 'InvariantError'
  }
}

/** Throws InvariantError when `condition` is false. Use for promises, never for user input. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}

/** The value, or InvariantError when it is null or undefined. */
export function present<T>(value: T | null | undefined, message: string): T {
  if (value === null || value === undefined) throw new InvariantError(message)
  return value
}
