/** Outcome of a promise, without throwing. */

/** What became of a promise: its value, or the error it was rejected with. */
export type Outcome<T> =
  | { readonly value: T; readonly error: null }
  | { readonly value: null; readonly error: Error }

/** Waits for a promise to settle, either way. */
export function outcomeOf<T>(promise: Promise<T>): Promise<Outcome<T>> {
  return promise.then(
    value => ({ value, error: null }),
    (error: unknown) => ({ value: null, error: error as Error }),
  )
}
