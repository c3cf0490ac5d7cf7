// SPDX-License-Identifier: Apache-2.0
// Kept certificate hierarchies: root and intermediate of the code-signing authority; root, intermediate and leaf of the timestamp authority.
import { createPublicKey, type KeyObject } from 'node:crypto';
import type { KeyStore } from '../key-store.ts';
import { authority, authorityKeyIdentifier, distinguishedName, extendedKeyUsage, keyUsage, newSerial, signCertificate, subjectKeyIdentifier } from './certificate.ts';

/** Something that signs under its name. */
export interface CertificateHolder {
  readonly name: Buffer;
  readonly key: KeyObject;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Buffer;
  readonly serial: Buffer;
}

/** Certificates from the one that is used up to the root. */
export interface Hierarchy {
  /** The lowest: it signs certificates, or timestamps. */
  readonly issuer: CertificateHolder;
  /** DER, lowest first, root last. */
  readonly chain: readonly Buffer[];
}

/** What a hierarchy is made of the first time. */
export interface HierarchyPlan {
  readonly store: KeyStore;
  /** Begins the names of what is kept. */
  readonly prefix: string;
  /** Extended key usage of intermediate and leaf. */
  readonly usage: string;
  /** Common names, root first. */
  readonly names: readonly string[];
  /** Whether the last name is a leaf that signs data, not certificates. */
  readonly leaf: boolean;
  readonly notBefore: Date;
}

const organization = 'Pratique lab';
const years = 10;

/** Makes the hierarchy, or reads the kept one. */
export async function keepHierarchy(plan: HierarchyPlan): Promise<Hierarchy> {
  const chain: Buffer[] = [];
  let above: CertificateHolder | undefined;
  for (const [depth, commonName] of plan.names.entries()) {
    const holder = await keepHolder(plan, commonName, depth);
    const issuer: CertificateHolder = above ?? holder;
    const pem = await plan.store.keep(`${plan.prefix}-${depth}-certificate`, () => certify(plan, { holder, issuer, depth }).toString('base64'));
    chain.unshift(Buffer.from(pem, 'base64'));
    above = holder;
  }
  if (above === undefined) throw new RangeError('a hierarchy needs a name');
  return { issuer: above, chain };
}

async function keepHolder(plan: HierarchyPlan, commonName: string, depth: number): Promise<CertificateHolder> {
  const key = await plan.store.key(`${plan.prefix}-${depth}-key`, 'p256');
  const serial = await plan.store.keep(`${plan.prefix}-${depth}-serial`, () => newSerial().toString('hex'));
  return { name: distinguishedName(organization, commonName), key, publicKey: createPublicKey(key).export({ type: 'spki', format: 'der' }), serial: Buffer.from(serial, 'hex') };
}

function certify(plan: HierarchyPlan, place: { readonly holder: CertificateHolder; readonly issuer: CertificateHolder; readonly depth: number }): Buffer {
  const { holder, issuer, depth } = place;
  const isLeaf = plan.leaf && depth === plan.names.length - 1;
  const below = plan.names.length - 1 - depth - (plan.leaf ? 1 : 0);
  const content = {
    serial: holder.serial,
    issuer: issuer.name,
    subject: holder.name,
    notBefore: plan.notBefore,
    notAfter: new Date(Date.UTC(plan.notBefore.getUTCFullYear() + years, plan.notBefore.getUTCMonth(), 1)),
    publicKey: holder.publicKey,
    extensions: [
      keyUsage(isLeaf ? 'digitalSignature' : 'certificateSigning'),
      ...(isLeaf ? [] : [authority(below)]),
      ...(depth === 0 ? [] : [extendedKeyUsage(plan.usage, isLeaf), authorityKeyIdentifier(issuer.publicKey)]),
      subjectKeyIdentifier(holder.publicKey),
    ],
  };
  return signCertificate(content, issuer.key);
}
