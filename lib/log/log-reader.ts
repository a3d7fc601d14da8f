/**
 * Replays a collection's log: every record after a tick, in the order it was acknowledged.
 *
 * The one idea: nothing is skipped. LevelDB's batches are atomic, so a record is whole or absent; one that does not
 * check out, or that names a record before it which is not there, means that something acknowledged was damaged or
 * lost, and going on would lose rows silently. Replay stops there and says where and why.
 */
import { MilvusError } from '../base/errors.js'
import { hybridOfTick, type Tick } from '../base/timestamp.js'
import { keyText, logRange, parseLogKey } from '../store/keys.js'
import type { Store } from '../store/store.js'
import { type DecodedLogRecord, decodeLogRecord } from './log-record.js'

export interface ReplayResult {
  readonly records: number
  /** Tick of the last record; `afterTick` when there was none. */
  readonly lastTick: Tick
  /** Bytes of all records. */
  readonly bytes: number
}

/**
 * Hands every record with a tick above `afterTick` to `onRecord`, in tick order.
 * @throws MilvusError Corrupted or FormatTooNew, naming the collection, the record's place and key; IoFailed.
 *   Records before the bad one have been handed out.
 */
export async function replayLog(
  store: Store,
  collectionId: number,
  afterTick: Tick,
  onRecord: (tick: Tick, record: DecodedLogRecord, byteLength: number) => void,
): Promise<ReplayResult> {
  let records = 0
  let bytes = 0
  let lastTick = afterTick
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
      onRecord(tick, record, value.length)
      records++
      bytes += value.length
      lastTick = tick
    }
  }
  return { records, lastTick, bytes }
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
