// SPDX-License-Identifier: Apache-2.0
// A signer as the report shows it.
import { formatSigner, type SignerIdentity } from '@pratique/core';
import { clip, htmlFacts, type Markup, type Part } from '@pratique/step';

/** Who signed, by everything that the certificate says. */
export function signer(identity: SignerIdentity): Markup {
  const extensions: Readonly<Record<string, string>> = identity.kind === 'keyless' ? identity.extensions : {};
  const said: readonly (readonly [string, string | undefined])[] = [
    [identity.kind === 'keyless' ? 'identity' : 'key', formatSigner(identity)], ['issuer', identity.kind === 'keyless' ? identity.issuer : undefined], ['repository', extensions['sourceRepository']],
    ['ref', extensions['sourceRef']], ['event', extensions['event']], ['runner', extensions['runnerEnvironment']],
  ];
  return htmlFacts(said.flatMap(([name, value]): (readonly [string, Part])[] => (value === undefined || value === '' ? [] : [[name, clip(value)]])));
}
