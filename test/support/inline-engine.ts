/**
 * A database over a fault store: background tasks run in the calling thread, on the same store, so that every write
 * and read of the engine meets the failures that the test arms.
 */

import { runTask } from '../../lib/compaction/run-task.js'
import type { TaskContext } from '../../lib/compaction/task-context.js'
import type { Task, TaskResult } from '../../lib/compaction/tasks.js'
import { Engine } from '../../lib/engine/engine.js'
import type { TaskRunner } from '../../lib/engine/scheduler.js'
import { Database, type OpenOptions } from '../../lib/index.js'
import type { Store } from '../../lib/store/store.js'

/** Runs tasks on the given store; fails them while `failure` is set. */
export class InlineRunner implements TaskRunner {
  failure: Error | null = null
  /** Tasks that were asked for, by kind, in order. */
  readonly asked: string[] = []
  readonly #store: Store
  readonly #directory: string

  constructor(store: Store, directory: string) {
    this.#store = store
    this.#directory = directory
  }

  async run<T extends Task>(task: T, signal?: { readonly cancel: Int32Array }): Promise<TaskResult<T>> {
    this.asked.push(task.kind)
    if (this.failure !== null) throw this.failure
    const context: TaskContext = {
      store: this.#store,
      directory: this.#directory,
      isCancelled: () => signal !== undefined && Atomics.load(signal.cancel, 0) !== 0,
    }
    return runTask(task, context)
  }

  async close(): Promise<void> {
    // Nothing of its own to end.
  }
}

export interface InlineDatabase {
  readonly db: Database
  readonly runner: InlineRunner
  /** Lines that the engine warned with. */
  readonly warnings: string[]
}

/** Opens a database over `store`; closing it closes the store. */
export async function openInline(
  store: Store,
  directory: string,
  options: OpenOptions = {},
): Promise<InlineDatabase> {
  const warnings: string[] = []
  const runner = new InlineRunner(store, directory)
  const warn = (message: string): void => {
    warnings.push(message)
  }
  const engine = await Engine.open(
    directory,
    { autoCompaction: false, warn, ...options },
    { store, taskRunner: runner },
  )
  return { db: new Database(engine), runner, warnings }
}
