/**
 * Symptom: an Insert of a few bytes that claims four thousand million rows ended the server, out of memory.
 *
 * What happened: a failed write lists every row as failed, and columns that a request leaves out are filled, both for as
 * many rows as the request claims. A row takes a byte at least, so more rows than bytes are a lie.
 */
import t from 'tap'
import { MilvusError, open } from '../../lib/index.js'
import type { Calls, Request } from '../../lib/wire/calls.js'
import { METHODS } from '../../lib/wire/descriptors.js'
import { engineCalls } from '../../lib/wire/engine-calls/all.js'
import { rowCalls } from '../../lib/wire/engine-calls/row-calls.js'
import { decode, encode } from '../../lib/wire/message.js'
import { MutationResult } from '../../lib/wire/messages/entities.js'
import { failedMutation } from '../../lib/wire/results.js'

const num_rows = 2 ** 32 - 1

t.test('rows that cannot be there are neither filled nor listed', async t => {
  const db = await open(t.testdir())
  t.teardown(() => db.close())
  await db.createCollection({
    name: 'shelf',
    fields: [
      { name: 'id', dataType: 5, primaryKey: true, autoId: true },
      { name: 'vector', dataType: 101, dim: 2, nullable: true },
    ],
  })
  const calls: Calls = engineCalls(db.engine, rowCalls(db.engine))
  for (const name of ['Insert', 'Upsert'] as const) {
    const bytes = encode(METHODS[name].request, { collection_name: 'shelf', num_rows })
    const request = decode(METHODS[name].request, bytes) as Request<'Insert'> & Request<'Upsert'>
    const error = await calls[name](request, { database: 'default', user: '' }).catch(
      (thrown: unknown) => thrown,
    )
    t.ok(error instanceof MilvusError)
    t.match(error, { code: 1100, message: /num_rows \(4294967295\) is more than/ }, name)
    t.strictSame(decode(MutationResult, failedMutation(error, request)).err_index, [])
  }
})
