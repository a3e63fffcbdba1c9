/** Which key frames come with that this end cannot open: by a packet of the peer, as it comes now. */
import { messageOf } from '../../errors.ts';
import type { TunnelCheck } from '../context.ts';
import { finder, skipped } from '../finding.ts';
import { refusedPacket } from '../refused-packet.ts';
import { drops, endsOf, suffers } from '../tunnel-seen.ts';

const CASES = {
  misplaced: {
    level: 'fault',
    says: 'a frame that came just now was refused ({reason})',
    cause: '{hint}',
    remedy:
      "the peer's txSa key is this end's rxSc key, and the other way round: exchange the two at one end, then l2vpnd reload",
  },
  foreign: {
    level: 'fault',
    says: 'a frame that came just now opens with no key of this configuration',
    cause: 'the peer has other keys, or somebody else sends in its name',
    remedy: 'copy the key files of one end to the other (scp -p), or take new ones (l2vpnd genkey --sak)',
  },
} as const;
const found = finder(CASES);
const WRONG_ICV = 'InPktsNotValid';

export const wrongKey: TunnelCheck = {
  name: 'wrong-key',
  about:
    'with static keys, whether a frame with a wrong ICV opens with another key of the file: keys that are swapped',
  cases: CASES,
  asksDaemon: true,
  async look(tunnel, { host, config }) {
    const ends = endsOf(tunnel);
    const { local, remote, port } = ends;
    const isStatic = tunnel.config?.macsec != null && tunnel.config.mka === null;
    if (config === null || !isStatic || local === null || remote === null) return [];
    if (tunnel.now === null || suffers(tunnel, drops(tunnel, WRONG_ICV)) !== true) return [];
    try {
      const copies = host.copies(local, remote, port);
      try {
        const judgement = await refusedPacket(config, tunnel.name, WRONG_ICV, ends, copies);
        if (judgement === null) return [];
        const hint = judgement.hints.find((text) => text.startsWith('the ICV is right with'));
        return [hint === undefined ? found('foreign', {}) : found('misplaced', { reason: WRONG_ICV, hint })];
      } finally {
        copies.close();
      }
    } catch (error) {
      return [skipped(`which key the peer uses: ${messageOf(error)}`)];
    }
  },
};
