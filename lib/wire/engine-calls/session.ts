/** Calls about the server itself: handshake, version, health, clock. */
import { hybridOfTick } from '../../base/timestamp.js'
import type { Engine } from '../../engine/engine.js'
import type { Calls } from '../calls.js'
import { unhealthyReasons } from '../metrics.js'
import { notSupported } from '../status.js'

/** Version of Milvus whose behaviour we follow: clients switch features on by it. */
export const MILVUS_VERSION = 'v2.6.6'
const DEFAULT_RESOURCE_GROUP = '__default_resource_group'

type SessionCalls = Pick<
  Calls,
  | 'Connect'
  | 'GetVersion'
  | 'CheckHealth'
  | 'AllocTimestamp'
  | 'GetMetrics'
  | 'ListResourceGroups'
  | 'RunAnalyzer'
>

export function sessionCalls(engine: Engine): SessionCalls {
  const now = (): bigint => {
    engine.checkOpen()
    return hybridOfTick(engine.env.oracle.next())
  }
  return {
    Connect: async (_request, context) => {
      engine.checkOpen()
      engine.catalog.database(context.database)
      return {
        // A timestamp is as unique as Milvus's own; it must only be non-zero.
        identifier: Number(now() >> 18n),
        server_info: {
          build_tags: MILVUS_VERSION,
          build_time: '',
          git_commit: '',
          go_version: '',
          deploy_mode: 'STANDALONE',
          reserved: new Map([['engine', 'kestreldb']]),
        },
      }
    },
    GetVersion: async () => ({ version: MILVUS_VERSION }),
    CheckHealth: async () => {
      engine.checkOpen()
      const reasons = unhealthyReasons(engine)
      return { isHealthy: reasons.length === 0, reasons }
    },
    AllocTimestamp: async () => ({ timestamp: now() }),
    // The nodes of a cluster, of which there are none; clients parse the text.
    GetMetrics: async () => ({ response: JSON.stringify({ nodes_info: [] }), component_name: 'kestreldb' }),
    ListResourceGroups: async () => ({ resource_groups: [DEFAULT_RESOURCE_GROUP] }),
    RunAnalyzer: async () => {
      throw notSupported('text analyzers')
    },
  }
}
