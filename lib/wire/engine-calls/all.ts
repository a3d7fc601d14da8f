/** Every served method, answered by one engine. Each group stands in a file of its own; none holds engine logic. */
import type { Engine } from '../../engine/engine.js'
import type { Calls } from '../calls.js'
import { accessCalls } from './access.js'
import { collectionCalls } from './collections.js'
import { compactionCalls, flushCalls, segmentCalls } from './flush-compaction.js'
import { indexCalls } from './indexes.js'
import { aliasCalls, databaseCalls } from './names.js'
import { loadCalls, partitionCalls } from './partitions-load.js'
import { readCalls } from './reads.js'
import type { RowCalls } from './row-calls.js'
import { schemaCalls } from './schema-changes.js'
import { sessionCalls } from './session.js'
import { writeCalls } from './writes.js'

export function engineCalls(engine: Engine, rows: RowCalls): Calls {
  return {
    ...sessionCalls(engine),
    ...collectionCalls(engine),
    ...schemaCalls(engine),
    ...partitionCalls(engine),
    ...loadCalls(engine),
    ...indexCalls(engine),
    ...writeCalls(rows),
    ...readCalls(rows),
    ...flushCalls(engine),
    ...compactionCalls(engine),
    ...segmentCalls(engine),
    ...aliasCalls(engine),
    ...databaseCalls(engine),
    ...accessCalls(engine),
  }
}
