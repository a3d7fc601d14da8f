/** After the restart: the index is there, follows changes of the files, and goes when it is cleared. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bestFile, contextOf, folderOf, KINDS, storedChunks } from './indexer.mjs'
import { searches } from './searches.mjs'
import { check, finish, skip } from './tap.mjs'

process.env.HYBRID_MODE = 'false'
for (const kind of KINDS) {
  const context = contextOf(kind)
  const folder = folderOf(kind)
  await check(`${kind}: the index is there`, () => context.hasIndex(folder), true)
  await searches(context, kind)
  await check(
    `${kind}: a new, a changed and a lost file are noticed`,
    async () => {
      writeFileSync(
        join(folder, 'net', 'queue.py'),
        'def enqueue_job(queue, job):\n    """Appends a job to the work queue."""\n    queue.append(job)\n',
      )
      writeFileSync(join(folder, 'README.md'), '# Another shop\n\nIt sells umbrellas and raincoats.\n')
      rmSync(join(folder, 'dates', 'iso_dates.py'))
      return context.reindexByChange(folder)
    },
    { added: 1, removed: 1, modified: 1 },
  )
  await check(
    `${kind}: the new file is found`,
    () => bestFile(context, kind, 'append a job to the queue'),
    'net/queue.py',
  )
  await check(
    `${kind}: the changed file is found`,
    () => bestFile(context, kind, 'umbrellas and raincoats'),
    'README.md',
  )
  await check(
    `${kind}: the lost file is gone`,
    async () => [...new Set((await storedChunks(context, kind)).map(chunk => chunk.relativePath))].sort(),
    ['README.md', 'cart/cart.js', 'net/queue.py', 'net/retry.go'],
  )
  await check(
    `${kind}: cleared`,
    async () => {
      await context.clearIndex(folder)
      return context.hasIndex(folder)
    },
    false,
  )
}
skip('hybrid mode', 'searches by text (BM25), which the server refuses')
finish()
