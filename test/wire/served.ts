/** A database behind a random port of the loopback address, and the page's rows, for the tests of this folder. */
import { type Database, open } from '../../lib/client/database.js'
import { type RunningServer, type ServerOptions, startServer } from '../../lib/wire/server.js'

/** A running server with its database. */
export interface Served {
  readonly db: Database
  readonly server: RunningServer
  readonly address: string
  /** Warnings of the server so far; a healthy run has none. */
  readonly warnings: string[]
  close(): Promise<void>
}

export async function serveDirectory(directory: string, options: ServerOptions = {}): Promise<Served> {
  const warnings: string[] = []
  const db = await open(directory, { warn: () => undefined })
  const server = await startServer(db.engine, {
    port: 0,
    graceMs: 1_000,
    warn: line => warnings.push(line),
    ...options,
  })
  return {
    db,
    server,
    address: `127.0.0.1:${server.port}`,
    warnings,
    close: async () => {
      await server.close()
      await db.close()
    },
  }
}

/** First example of the page "Upsert Entities". */
export const FIRST = [
  {
    id: 0,
    vector: [
      -0.619954382375778, 0.4479436794798608, -0.17493894838751745, -0.4248030059917294, -0.8648452746018911,
    ],
    title: 'Artificial Intelligence in Real Life',
    issue: 'vol.12',
  },
  {
    id: 1,
    vector: [
      0.4762662251462588, -0.6942502138717026, -0.4490002642657902, -0.628696575798281, 0.9660395877041965,
    ],
    title: 'Hollow Man',
    issue: 'vol.19',
  },
  {
    id: 2,
    vector: [
      -0.8864122635045097, 0.9260170474445351, 0.801326976181461, 0.6383943392381306, 0.7563037341572827,
    ],
    title: 'Treasure Hunt in Missouri',
    issue: 'vol.12',
  },
]

/** Second example: into a partition. */
export const IN_PARTITION = [
  {
    id: 10,
    vector: [
      0.06998888224297328, 0.8582816610326578, -0.9657938677934292, 0.6527905683627726, -0.8668460657158576,
    ],
    title: 'Layour Design Reference',
    issue: 'vol.34',
  },
  {
    id: 11,
    vector: [
      0.6060703043917468, -0.3765080534566074, -0.7710758854987239, 0.36993888322346136, 0.5507513364206531,
    ],
    title: 'Doraemon and His Friends',
    issue: 'vol.2',
  },
  {
    id: 12,
    vector: [
      -0.9041813104515337, -0.9610546012461163, 0.20033003106083358, 0.11842506351635174, 0.8327356724591011,
    ],
    title: 'Pikkachu and Pokemon',
    issue: 'vol.12',
  },
]

/** Third example: fields that are left out keep their values. */
export const MERGE = [
  { id: 1, issue: 'vol.14' },
  { id: 2, issue: 'vol.7' },
]
