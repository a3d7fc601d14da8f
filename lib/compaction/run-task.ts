/**
 * One task, run in whatever thread calls this: the worker thread normally, the calling thread in tests.
 *
 * Every kind of task keeps the same promise: it only adds chunks and sidecars under names that nobody refers to, and
 * takes them away again when it fails.
 */
import { compact } from './compactor.js'
import { flush } from './flush-task.js'
import { buildIndex } from './index-task.js'
import type { TaskContext } from './task-context.js'
import type { Task, TaskResult } from './tasks.js'

/**
 * Runs a task to its end. What it writes is durable, and referred to by nobody, when this returns.
 * @throws MilvusError Canceled, Corrupted, IoFailed, DiskFull; after any failure what it wrote is gone or an orphan
 */
export async function runTask<T extends Task>(task: T, context: TaskContext): Promise<TaskResult<T>> {
  return (await dispatch(task, context)) as TaskResult<T>
}

function dispatch(task: Task, context: TaskContext): Promise<TaskResult<Task>> {
  switch (task.kind) {
    case 'flush':
      return flush(task, context)
    case 'compact':
      return compact(task, context)
    case 'index':
      return buildIndex({ ...task, growFrom: null }, context)
  }
}
