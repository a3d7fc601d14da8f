/**
 * The background thread, seen from the main thread: a queue of tasks and one worker that takes them one by one.
 *
 * The worker starts with the first task and keeps the process alive only while it has one, so a program that forgets
 * to close the database can still end. When the worker dies, the task it was running is rejected (nothing it wrote is
 * referred to) and the next task gets a new worker.
 *
 * Invariants: at most one task is with the worker; tasks run in the order they came; after `close()` no task starts.
 * Close this before the store: LevelDB stays open until its last handle is closed.
 */
import { Worker } from 'node:worker_threads'
import { assert } from '../base/assert.js'
import { armedCrashPoint, type CrashPoint } from '../base/crash-point.js'
import { MilvusError } from '../base/errors.js'
import type {
  CancelSignal,
  Task,
  TaskError,
  TaskResult,
  ThreadReply,
  ThreadRequest,
  ThreadStart,
} from './tasks.js'

export interface CompactionThreadOptions {
  /** Where the worker kills the process, for crash tests. Default: what is armed in this thread, normally nothing. */
  readonly crashPoint?: CrashPoint | null
}

interface Job {
  readonly task: Task
  readonly cancel: Int32Array | null
  readonly resolve: (result: TaskResult<Task>) => void
  readonly reject: (error: MilvusError) => void
}

export class CompactionThread {
  readonly #start: ThreadStart
  readonly #queue: Job[] = []
  #running: Job | null = null
  #runningId = 0
  #worker: Worker | null = null
  #exited: Promise<void> = Promise.resolve()
  #closing: Promise<void> | null = null
  #idle: (() => void) | null = null

  /** @param directory of a store that this process has open. The thread itself starts with the first task. */
  constructor(directory: string, options: CompactionThreadOptions = {}) {
    const crashPoint = options.crashPoint === undefined ? armedCrashPoint() : options.crashPoint
    this.#start = { directory, crashPoint }
  }

  /**
   * Runs a task after those that came before it.
   * @param signal its `cancel` (an Int32Array over a SharedArrayBuffer) stops the task when element 0 is not 0
   * @throws MilvusError Canceled; StoreClosed after close(); Internal when the thread died; whatever the task throws
   */
  run<T extends Task>(task: T, signal?: CancelSignal): Promise<TaskResult<T>> {
    const cancel = signal?.cancel ?? null
    assert(cancel === null || cancel.buffer instanceof SharedArrayBuffer, 'a cancel flag is shared')
    if (this.#closing !== null) {
      return Promise.reject(new MilvusError('StoreClosed', `no ${task.kind} task is taken any more`))
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ task, cancel, resolve: resolve as Job['resolve'], reject })
      this.#next()
    })
  }

  /**
   * Rejects the tasks that wait, stops the running one if it can be cancelled, waits for its end and ends the thread.
   * May be called more than once.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const job of this.#queue.splice(0)) job.reject(stopped(job.task))
    const running = this.#running
    if (running !== null) {
      if (running.cancel !== null) Atomics.store(running.cancel, 0, 1)
      await new Promise<void>(resolve => {
        this.#idle = resolve
      })
    }
    if (this.#worker === null) return
    this.#worker.ref()
    this.#post({ kind: 'close' })
    await this.#exited
  }

  #next(): void {
    while (this.#running === null) {
      const job = this.#queue.shift()
      if (job === undefined) return
      if (job.cancel !== null && Atomics.load(job.cancel, 0) !== 0) job.reject(stopped(job.task))
      else this.#send(job)
    }
  }

  #send(job: Job): void {
    this.#running = job
    this.#runningId++
    try {
      this.#worker ??= this.#startWorker()
      this.#worker.ref()
      this.#post({ kind: 'run', id: this.#runningId, task: job.task, cancel: job.cancel })
    } catch (cause) {
      this.#worker?.unref()
      this.#finish()
      job.reject(
        new MilvusError('Internal', `cannot start a ${job.task.kind} task in the background`, { cause }),
      )
    }
  }

  #post(request: ThreadRequest): void {
    this.#worker?.postMessage(request)
  }

  #startWorker(): Worker {
    // The program's own flags are not ours: `--input-type`, for one, stops a worker that is started from a file. Nor are
    // modules that its NODE_OPTIONS preloads into every thread: loaders and instrumentation make a start 4 times as slow.
    const options = { workerData: this.#start, execArgv: [], env: {} }
    const worker = new Worker(new URL('./worker.js', import.meta.url), options)
    let failure: unknown
    worker.on('message', (reply: ThreadReply) => this.#receive(reply))
    worker.on('error', error => {
      failure = error
    })
    this.#exited = new Promise(resolve => {
      worker.once('exit', code => {
        this.#lost(worker, code, failure)
        resolve()
      })
    })
    return worker
  }

  #receive(reply: ThreadReply): void {
    const job = this.#running
    assert(job !== null && reply.id === this.#runningId, 'an answer belongs to the running task')
    this.#worker?.unref()
    this.#finish()
    if ('error' in reply) job.reject(errorOf(reply.error))
    else job.resolve(reply.result)
    this.#next()
  }

  /** The worker has ended: as asked by close(), or because it failed. */
  #lost(worker: Worker, code: number, cause: unknown): void {
    if (this.#worker !== worker) return
    this.#worker = null
    const job = this.#running
    if (job === null) return
    this.#finish()
    const detail = `the background thread ended with code ${code} during a ${job.task.kind} task; what it wrote does not count`
    job.reject(new MilvusError('Internal', detail, cause === undefined ? {} : { cause }))
    this.#next()
  }

  #finish(): void {
    this.#running = null
    this.#idle?.()
  }
}

function stopped(task: Task): MilvusError {
  return new MilvusError('Canceled', `the ${task.kind} task was stopped before it began`)
}

/** The worker's error again; where it was thrown is in the cause. */
function errorOf({ reason, message, stack }: TaskError): MilvusError {
  const cause = new Error('in the background thread')
  cause.stack = stack
  return new MilvusError(reason, message, { bare: true, cause })
}
