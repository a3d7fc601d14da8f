/**
 * Entry of the background thread: takes one task at a time, answers with its result or its error.
 *
 * It has a handle of its own on the store, opened at the first task: LevelDB is shared inside the process, handles and
 * JavaScript objects are not. The store is closed when the main thread says so; a thread that is killed instead leaves
 * nothing behind but orphans.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { assert, present } from '../base/assert.js'
import { armCrashPoint } from '../base/crash-point.js'
import { MilvusError } from '../base/errors.js'
import { storeDirectory } from '../store/layout.js'
import { openLevelStore } from '../store/level-store.js'
import type { Store } from '../store/store.js'
import { runTask } from './run-task.js'
import type { Task, TaskError, TaskResult, ThreadReply, ThreadRequest, ThreadStart } from './tasks.js'

const port = present(parentPort, 'worker.js runs in a worker thread')
const { directory, crashPoint } = workerData as ThreadStart
if (crashPoint !== null) armCrashPoint(crashPoint.name, crashPoint.afterHits)

let store: Store | null = null
let busy = false

port.on('message', (request: ThreadRequest) => {
  assert(!busy, 'one task at a time')
  busy = true
  if (request.kind === 'close') void close()
  else void run(request.id, request.task, request.cancel)
})

async function run(id: number, task: Task, cancel: Int32Array | null): Promise<void> {
  let reply: ThreadReply
  let transfer: ArrayBuffer[] = []
  try {
    store ??= await openLevelStore(storeDirectory(directory), { shared: true })
    const isCancelled = (): boolean => cancel !== null && Atomics.load(cancel, 0) !== 0
    const result = await runTask(task, { store, directory, isCancelled })
    reply = { id, result }
    transfer = buffersOf(result)
  } catch (error) {
    reply = { id, error: taskError(error) }
  }
  busy = false
  port.postMessage(reply, transfer)
}

async function close(): Promise<void> {
  await store?.close()
  // Nothing else keeps the thread alive.
  port.close()
}

/** Memory of the row maps, which the main thread takes over. */
function buffersOf(result: TaskResult<Task>): ArrayBuffer[] {
  if (result === null) return []
  if ('rowMap' in result) return [result.rowMap.buffer as ArrayBuffer]
  if ('rowMaps' in result) return result.rowMaps.map(map => map.buffer as ArrayBuffer)
  return []
}

/** Our own errors keep their reason; anything else is a bug of ours and is "unexpected". */
function taskError(error: unknown): TaskError {
  const reason = error instanceof MilvusError ? error.reason : 'Unexpected'
  const message = error instanceof Error ? error.message : String(error)
  const stacks: string[] = []
  for (let at: unknown = error; at instanceof Error && stacks.length < 8; at = at.cause) {
    stacks.push(at.stack ?? at.message)
  }
  return { reason, message, stack: stacks.join('\ncaused by ') }
}
