/**
 * What `import` reads that others have written: shell scripts, ip's JSON, systemd's units. Whatever the text is, a reader
 * returns or throws L2vpnError, no message shows a key of the text, and what comes out is a configuration's shape or refused.
 * The first octet chooses the format.
 */
import { parseRaw } from '../../../src/config/schema.ts';
import { L2vpnError } from '../../../src/errors.ts';
import { chooseSite } from '../../../src/interchange/choose-site.ts';
import { SOURCE_FORMATS } from '../../../src/interchange/formats.ts';
import type { Found } from '../../../src/interchange/kernel-site.ts';
import { readSources } from '../../../src/interchange/read-source.ts';
import { siteDraft, tunnelsOf } from '../../../src/interchange/to-site.ts';
import { demand, demandNoKey, type FuzzTarget } from '../target.ts';

const KEYS = ['0123456789abcdef1032547698badcfe', '13579bdf02468ace13579bdf02468acf'] as const;

const SCRIPT = `#!/bin/sh
A=1.1.1.1; export B="2.2.2.2"
KEY=${KEYS[0]}
ip netns exec a ip link add g0 type gretap local $A remote $B ttl 64 key 7 csum encap fou encap-sport auto encap-dport 4754
ip -n a link add link g0 name m0 address 02:00:00:00:00:01 type macsec encrypt on replay on window 64
sudo ip -n a macsec add m0 tx sa 0 pn 1 on key 01 \${KEY:?}
ip netns exec a sh -c 'ip macsec add m0 rx port 1 address 02:00:00:00:00:02'
ip -n a -batch - <<END
macsec add m0 rx sci 0200000000020001 sa 0 pn 1 on key 02 ${KEYS[1]}
link set m0 master br0 up
END
bridge vlan add dev m0 vid 10-20 pvid untagged && brctl addif br0 m0
for x in 1 2; do ip link set m0 mtu $((1400 + x)); done
`;

const UNITS = `# a.netdev
[NetDev]
Name=g0
Kind=gretap
[Tunnel]
Local=1.1.1.1
Remote=2.2.2.2
FooOverUDP=yes
FOUDestinationPort=4754
Key=7
# m.netdev
[NetDev]
Name=m0
Kind=macsec
MACAddress=02:00:00:00:00:01
[MACsec]
Encrypt=yes
[MACsecTransmitAssociation]
KeyId=01
Key=${KEYS[0]}
UseForEncoding=yes
[MACsecReceiveAssociation]
Port=1
MACAddress=02:00:00:00:00:02
Key=${KEYS[1]}
# g.network
[Match]
Name=g0
[Network]
MACsec=m0
# m.network
[Match]
Name=m0
[Network]
Bridge=br0
[BridgeVLAN]
VLAN=10-20
`;

const LINKS = JSON.stringify([
  {
    ...{ ifname: 'g0', mtu: 1462, address: '02:00:00:00:00:09' },
    linkinfo: {
      info_kind: 'gretap',
      info_data: { remote: '2.2.2.2', local: '1.1.1.1', ttl: 64, okey: '0.0.0.7' },
    },
  },
  {
    ...{ ifname: 'm0', link: 'g0', master: 'br0', address: '02:00:00:00:00:01' },
    linkinfo: {
      ...{
        info_kind: 'macsec',
        info_data: { sci: '0200000000010001', cipher_suite: 'GCM-AES-128', icv_len: 16 },
      },
      ...{ info_slave_kind: 'bridge', info_slave_data: { isolated: true, cost: 5 } },
    },
  },
]);
const SECYS = JSON.stringify([
  {
    ...{ ifname: 'm0', sci: '0x200000000010001', encoding_sa: 0 },
    sa_list: [{ an: 0, pn: 5, active: true, key: '01000000000000000000000000000000' }],
    rx_sc: [{ sci: '0x200000000020001', active: true, sa_list: [{ an: 0, pn: 1, active: true, key: '02' }] }],
  },
]);

const SEEDS: readonly string[] = [SCRIPT, `${LINKS}\n${SECYS}`, UNITS];

/** Every site that is found becomes a draft, which is checked as `import` does. */
function drafts(found: Found): string {
  const said = [...found.remarks];
  for (const site of found.sites) {
    const others = found.sites.filter((one) => one !== site);
    const { json, keys, remarks } = siteDraft(site, others, { inlineKeys: true, prefix: '' });
    demand(json.tunnels.length <= tunnelsOf(site).length, 'there are more tunnels than gretaps');
    demand(keys.length === 0, 'a key is to be written though it stands in the configuration');
    said.push(...remarks);
    parseRaw(json);
  }
  return said.map(({ where, text }) => `${where}: ${text}`).join('\n');
}

export const foreign: FuzzTarget = {
  name: 'foreign',
  maxLen: 3000,
  seeds: () => SEEDS.map((text, format) => Buffer.concat([Buffer.of(format), Buffer.from(text)])),
  run(input) {
    const format = SOURCE_FORMATS[(input[0] ?? 0) % SOURCE_FORMATS.length]!;
    const text = input.subarray(1).toString();
    try {
      const found = readSources([{ source: 'fuzz', text }], format);
      demandNoKey(drafts(found), KEYS, 'a remark');
      chooseSite(found.sites, null, 'fuzz');
    } catch (error) {
      if (!(error instanceof L2vpnError)) throw error;
      demandNoKey(error.message, KEYS, 'an error');
      demand(error.message !== '', 'an error says nothing');
    }
  },
};
