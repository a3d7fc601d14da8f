/**
 * Replays a collection's log: every request after a tick, in the order it was acknowledged.
 *
 * The one idea: nothing is skipped. LevelDB's batches are atomic, so a record is whole or absent; one that does not
 * check out, or that names a record before it which is not there, means that something acknowledged was damaged or
 * lost, and going on would lose rows silently. Replay stops there and says where and why.
 */
import { MilvusError } from '../base/errors.js'
import { hybridOfTick, type Tick } from '../base/timestamp.js'
import { Turn } from '../base/turn.js'
import { keyText, logRange, parseLogKey } from '../store/keys.js'
import type { Store } from '../store/store.js'
import { type DecodedRequest, decodeLogRecord } from './log-record-reader.js'

export interface ReplayResult {
  readonly records: number
  /** Tick of the last request; `afterTick` when there was none. */
  readonly lastTick: Tick
  /** Bytes of all records. */
  readonly bytes: number
}

/**
 * Hands every request with a tick above `afterTick` to `onRequest`, in tick order. `afterTick` is 0 or the last tick of
 * a record: records are never taken apart. After each record `onRecordEnd` is called.
 * @throws MilvusError Corrupted or FormatTooNew, naming the collection, the record's place and key; IoFailed.
 *   Requests before the bad record have been handed out.
 */
export async function replayLog(
  store: Store,
  collectionId: number,
  afterTick: Tick,
  onRequest: (request: DecodedRequest) => void,
  onRecordEnd: () => void = () => {},
): Promise<ReplayResult> {
  let records = 0
  let bytes = 0
  let lastTick = afterTick
  const turn = new Turn()
  for await (const block of store.scan(logRange(collectionId, afterTick))) {
    for (const [key, value] of block) {
      const what = `log record ${records + 1} after tick ${afterTick} of collection ${collectionId} (${keyText(key)})`
      const { tick, hybrid } = parseLogKey(key)
      if (hybridOfTick(tick) !== hybrid || tick <= lastTick) {
        throw new MilvusError('Corrupted', `${what} has a timestamp that was never handed out`, {
          expected: `a tick above ${lastTick}`,
          actual: hybrid.toString(),
        })
      }
      const record = decodeLogRecord(value, what)
      checkLink(record.previousTick, lastTick, records === 0, what)
      checkFirst(record.requests[0]!.tick, tick, what)
      for (const request of record.requests) onRequest(request)
      onRecordEnd()
      records++
      bytes += value.length
      lastTick = record.requests.at(-1)!.tick
      // Nobody reads the collection yet, but the process may have other things to do.
      if (turn.due()) await turn.next()
    }
  }
  return { records, lastTick, bytes }
}

/** A record lies under the tick of its first request. */
function checkFirst(firstTick: Tick, keyTick: Tick, what: string): void {
  if (firstTick === keyTick) return
  throw new MilvusError('Corrupted', `${what} lies under the key of another record`, {
    expected: `tick ${keyTick}`,
    actual: `tick ${firstTick}`,
  })
}

/** The record before must be the last one replayed or, for the first, be covered by the checkpoint. */
function checkLink(previousTick: Tick | null, lastTick: Tick, first: boolean, what: string): void {
  if (previousTick === null || previousTick === lastTick || (first && previousTick < lastTick)) return
  throw new MilvusError(
    'Corrupted',
    `${what} follows a record that is missing; an acknowledged write was lost, restore the directory from a backup`,
    { expected: `a record at tick ${previousTick}`, actual: first ? 'none' : `tick ${lastTick}` },
  )
}
