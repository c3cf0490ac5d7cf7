// SPDX-License-Identifier: Apache-2.0
// Why an image cannot be pulled, from what kubelet and containerd say.
import type { DiagnosisCode, DiagnosisOptions } from './finding.ts';

/** Cause and remedy of a failed pull. */
export interface PullCause {
  readonly code: DiagnosisCode;
  readonly cause: string;
  readonly mend: string;
}

/** Registry and repository of an image reference; Docker Hub's short forms are spelt out. */
export function splitImage(image: string): { readonly registry: string; readonly repository: string } {
  const [name = ''] = image.split('@');
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasHost = /[.:]/.test(first) || first === 'localhost';
  const rest = (hasHost ? name.slice(slash + 1) : name).replace(/:[^/]*$/, '');
  return { registry: hasHost ? first : 'docker.io', repository: hasHost || slash >= 0 ? rest : `library/${rest}` };
}

type Rule = readonly [pattern: RegExp, explain: (image: string, options: DiagnosisOptions) => PullCause];

// In this order: "not found" appears also in texts about names that do not resolve, "denied" also in those about missing repositories.
const rules: readonly Rule[] = [
  [/IMAGE_QUARANTINED|is quarantined|quarantine/i, quarantined],
  [/no match for platform|no matching manifest|does not match the specified platform|exec format error/i, (image) => ({
    code: 'IMAGE_PLATFORM', cause: `the image ${image} has no variant for the architecture of the node`, mend: 'Build the platform of the node as well (input platforms), or bind the pods to nodes of the right architecture with nodeSelector kubernetes.io/arch.',
  })],
  [/no such host|i\/o timeout|dial tcp|connection refused|TLS handshake timeout|context deadline exceeded|network is unreachable|x509:/i, (image) => ({
    code: 'IMAGE_REGISTRY_UNREACHABLE', cause: `the node cannot reach the registry ${splitImage(image).registry}`,
    mend: `Check name resolution and firewall from a node: kubectl debug node/NODE -it --image=busybox -- wget -S -O- https://${splitImage(image).registry}/v2/. With a private endpoint the network of the cluster needs a link to its DNS zone.`,
  })],
  [/\b401\b|\b403\b|unauthorized|authentication required|forbidden|insufficient_scope|authorization failed|denied/i, (image, { pullHint }) => {
    if (splitImage(image).repository.startsWith('quarantine/')) return quarantined(image);
    return {
      code: 'IMAGE_PULL_DENIED', cause: `the registry ${splitImage(image).registry} does not let the cluster pull ${splitImage(image).repository}`,
      mend: pullHint?.(splitImage(image)) ?? 'Give the kubelet identity of the cluster the right to pull from this registry (for AKS: az aks update --attach-acr), or name an imagePullSecret that has it.',
    };
  }],
  [/not found|manifest unknown|\b404\b/i, (image) => (splitImage(image).repository.startsWith('quarantine/') ? quarantined(image) : {
    code: 'IMAGE_NOT_FOUND', cause: `the registry does not have ${image}`, mend: 'Check the digest; an image that the gate has not released yet lies only in quarantine, where clusters cannot read.',
  })],
];

function quarantined(image: string): PullCause {
  return { code: 'IMAGE_QUARANTINED', cause: `the image ${image} is in quarantine`, mend: 'Let quarantine-gate release it, and deploy the released reference that it outputs.' };
}

/** Explains the message of ErrImagePull or ImagePullBackOff. */
export function explainPull(message: string, image: string, options: DiagnosisOptions): PullCause {
  const rule = rules.find(([pattern]) => pattern.test(message));
  return rule?.[1](image, options) ?? { code: 'IMAGE_PULL_FAILED', cause: `the image ${image} cannot be pulled`, mend: 'The evidence has what the container runtime said.' };
}
