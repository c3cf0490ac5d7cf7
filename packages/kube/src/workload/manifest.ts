// SPDX-License-Identifier: Apache-2.0
// A rendered manifest as objects.
import { Failure, isJsonObject } from '@pratique/core';
import { isKubeObject, listOf, type KubeObject } from '../client/object.ts';
import { readYamlDocuments } from '../yaml.ts';

const mostObjects = 2000;

/** Reads what `helm template` or `helm get manifest` printed; lists are opened. Fails with `WORKLOAD_INVALID`. */
export function readManifest(text: string, what: string): readonly KubeObject[] {
  const objects = readYamlDocuments(text, { what, code: 'WORKLOAD_INVALID' }).flatMap((document) => (isJsonObject(document) && document['kind'] === 'List' ? [...listOf(document, 'items')] : [document]));
  if (objects.length > mostObjects) throw new Failure({ code: 'WORKLOAD_INVALID', message: `${what} has more than ${mostObjects} objects` });
  return objects.map((object, index) => {
    if (isKubeObject(object)) return object;
    throw new Failure({ code: 'WORKLOAD_INVALID', message: `${what}: document ${index + 1} is no object with apiVersion, kind and metadata.name` });
  });
}
