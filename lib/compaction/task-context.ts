/**
 * What a background task works with, whatever its kind: the store, the directory of its sidecars, and the question
 * whether to go on.
 */

import { MilvusError } from '../base/errors.js'
import { indexDirectory } from '../store/layout.js'
import type { Store } from '../store/store.js'

export interface TaskContext {
  readonly store: Store
  /** The database's directory; sidecars lie below it. */
  readonly directory: string
  /** Asked between chunks and every few hundred points. */
  readonly isCancelled: () => boolean
}

/** Where the sidecar files of a store are (docs/format.md, "Sidecar files"). */
export function sidecarDirectory(context: TaskContext): string {
  return indexDirectory(context.directory)
}

/** @throws MilvusError Canceled when somebody asked for it */
export function checkCancelled(context: TaskContext): void {
  if (context.isCancelled()) throw new MilvusError('Canceled', 'the background task was stopped')
}
