/** The 802.1Q tag (IEEE 802.1Q 9.6), and the 802.1ad one outside it. */
export const VLAN_LEN = 4;
