/**
 * What the catalog stores about access: users, roles with their grants, privilege groups. Each is one small value.
 *
 * Records are replaced as a whole, never changed in place; fields are append-only (docs/format.md, "Catalog"). Built-in
 * users and roles have id 0 until somebody changes them: a database nobody manages users in stores nothing about them.
 */
import type { ObjectType } from './access-privileges.js'

/** A password as it is kept: only its scrypt hash, with everything needed to compute it again. */
export interface PasswordHash {
  readonly scheme: 'scrypt'
  /** scrypt's N, r and p. */
  readonly cost: number
  readonly blockSize: number
  readonly parallel: number
  /** 16 random bytes, base64. */
  readonly salt: string
  /** 32 bytes, base64. */
  readonly hash: string
}

export interface UserRecord {
  readonly id: number
  readonly name: string
  readonly description: string
  /** Null: the password was never changed from the well-known default (only root). */
  readonly password: PasswordHash | null
  /** Names of roles, in order of granting; `public` is implied and not listed. */
  readonly roles: readonly string[]
}

/** One privilege on one object (or `*`) of one database (or `*`). */
export interface GrantRecord {
  readonly objectType: ObjectType
  /** Name of a collection or user, or `*`. */
  readonly objectName: string
  readonly database: string
  /** A privilege, a privilege group, or `*`. */
  readonly privilege: string
  /** Who granted it. */
  readonly grantor: string
}

export interface RoleRecord {
  readonly id: number
  readonly name: string
  readonly description: string
  readonly grants: readonly GrantRecord[]
}

export interface GroupRecord {
  readonly id: number
  readonly name: string
  readonly privileges: readonly string[]
}

/** The user that always exists and may do everything. */
export const ROOT = 'root'
/** Root's password until it is changed. Milvus's, and well known: change it. */
export const ROOT_PASSWORD = 'Milvus'
/** The role that may do everything. */
export const ADMIN_ROLE = 'admin'
/** The role everybody has. */
export const PUBLIC_ROLE = 'public'

const everywhere = (objectType: ObjectType, privilege: string): GrantRecord => ({
  objectType,
  objectName: '*',
  database: '*',
  privilege,
  grantor: ROOT,
})

/** What everybody may do unless it is revoked: clients need it to connect to a collection at all. Milvus's list. */
const PUBLIC_GRANTS: readonly GrantRecord[] = [
  everywhere('Global', 'DescribeCollection'),
  everywhere('Global', 'ListAliases'),
  everywhere('Collection', 'IndexDetail'),
]

export const BUILT_IN_USERS: readonly UserRecord[] = [
  { id: 0, name: ROOT, description: '', password: null, roles: [ADMIN_ROLE] },
]
export const BUILT_IN_ROLES: readonly RoleRecord[] = [
  { id: 0, name: ADMIN_ROLE, description: '', grants: [] },
  { id: 0, name: PUBLIC_ROLE, description: '', grants: PUBLIC_GRANTS },
]
