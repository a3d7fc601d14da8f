/** Every workload, in the order of a full run. */
import type { Workload } from '../harness.js'
import { lifecycleWorkloads } from './lifecycle.js'
import { readWorkloads } from './read.js'
import { writeWorkloads } from './write.js'

export const WORKLOADS: readonly Workload[] = [...writeWorkloads, ...readWorkloads, ...lifecycleWorkloads]
