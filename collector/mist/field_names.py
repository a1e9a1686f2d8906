"""The field names of Mist's payloads, to distinguish them from keys that are data (a MAC, a port, a network name).

Sources: Mist's OpenAPI document (2509 and 2606), its pages about webhooks and WebSocket channels, and payloads captured
by public projects.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

_NAMES: Final = """
DataPlaneNotifiedStatus Id Interface InternalStatus MonitoringFailure State Status Threshold _id _idx
_offset_apbasic _offset_apstats _time _ttl accel_x accel_y accel_z access_code_email accuracy action action_id
active active_ports address address_mode admin_name after airespace_ifname airflow airwatch alarm_class
alarmtemplate_id alert_events alert_id allow_mist allow_rrm_disable allows_single_event_per_message altitude
ambient_temp analyticEnabled annotation ant_mode antenna_select ap ap-availability ap-health ap_id ap_loc ap_mac
ap_name ap_redundancy apfw app appid_install_result appid_install_timestamp appid_status appid_version
application-health apporttemplate_id aps aptemplate_id arp_table_count arp_table_stats ash_version asn asset_id
assets assets_wait assets_waits assoc_time attitude audio_quality audit_id auth_algo auth_method auth_state
auth_type authorized authorized_expiring_time authorized_time auto_placement auto_upgrade_stat autoconf6 available
avg avg_auth avg_dhcp avg_dns avg_latency backup_version bad_minutes bad_minutes_client bad_minutes_site_wan
bad_minutes_wireless band band_24 band_24_usage band_5 band_6 bandwidth battery_percent battery_voltage
beacon_enabled beacon_rate beam before bgp_peers bios_version ble_stat boot_partition bounced_ports brightness bssid
bssids buffers by bytes_in bytes_out cached cached_stats capacity capture_id carrier category celsius cert_expiry
channel channels chassis_id cia_version city client client_family client_hostname client_id client_ip client_macs
client_manufacture client_model client_os client_type client_username client_waits clients clients_stats
clients_wait clients_waits cluster_config cluster_number cluster_stat code codes company component conductor_name
config_reverted config_status config_timestamp config_type config_version configuration connect connect_float
connected connected_devices connected_site connected_switch_mac connected_switch_name connection_ap connection_band
connection_bssid connection_channel connection_rssi control_link_info count country_code coverage cpld_version
cpu2_stat cpu_stat cpu_system cpu_temp cpu_user cpu_util cpus created_time current_occupancy current_stats data
description detail details device_cert_expiry device_id device_mac device_name device_type deviceprofile_id
deviceprofile_name devices dhcp6 dhcp_expire_time dhcp_server dhcp_start_time dhcpd2_stat dhcpd_stat disabled
disconnect disconnect_float disconnected_aps discovered_assets_wait discovered_assets_waits display display_is_group
display_name dns dns_suffix downstream_ports dryrun_nacrule_id dryrun_nacrule_matched dual_band duration
dynamic_chaining_enabled eddystone_instance eddystone_namespace eddystone_uid_enabled eddystone_uid_freq_msec
eddystone_uid_instance eddystone_uid_namespace eddystone_url_enabled eddystone_url_freq_msec eddystone_url_url email
ember_version enabled enc_algo encrypt_algo end end_time engagementEnabled enter entity_ip entity_mac entity_name
entity_type entity_version env_stat err_missing_dev_id_fpc errors esl_stat eth_port ethernet_connection ev_type
event event_id event_type events evpn_overlay evpntopo_id ewf_status expiring_certs ext_ip extended_info_list
fabric_link_info family fans feature fib_routes field1 field2 field3 field4 fields fips_enabled first_name
fixed_version flags for_org for_overlay for_site fpc_idx fpga_version frame_ctrl free from_version full_duplex
fw_versions_outofsync fwupdate gateway gateway-bandwidth gateway-health gateway6 gateways gatewaytemplate_id
gps_stat group guest ha_state has_delivery_results has_pcap headers height height_m hostname hostnames humidity
hw_rev ibeacon_enabled ibeacon_freq_msec ibeacon_major ibeacon_minor ibeacon_uuid id idle idle_time idp_id
idp_install_result idp_install_timestamp idp_policy idp_role idp_status idp_update_timestamp idp_username
idrac_version idx if2_stat if_stat ike_version imei impacted_entities impacted_entity_count imsi inactive
inactive_vlan_strs inactive_wired_vlans index info interfaces interrupt iot_stat ip ip2_stat ip6 ip_config ip_src
ip_stat ips ipsec_client_version is_active is_asset is_guest is_ha jitter key key_mgmt l2tp l2tp_stat lacp lag
lag_stat last_activity last_config last_event last_flapped last_hostname last_ip last_name last_rx_time last_seen
last_status_change_reason last_trouble last_update lastcheck lat latency latitude latlng led license_requirement
limit link lldp_enabled lldp_med_supported lldp_stat lldp_stats lng load_avg local_as local_sid locating locked
longitude loss loss_percentage lte_iccid lte_imei lte_imsi mac mac_count mac_limit mac_table_count mac_table_stats
macs magic magne_x magne_y magne_z major manufacture map_id mapid marvis_suggestion_category max max_auth max_dhcp
max_dns max_entries_supported max_latency max_mac_entries_supported max_power max_unicast_routes_supported mbps
meeting_id mem_total_kb mem_used_kb memory2_stat memory_stat mesh_downlinks mesh_uplink message mfg mfg_company_id
mfg_data mgmt_addr mgmt_addrs min min_auth min_dhcp min_dns min_latency minimum_version minors minutes
missing_vlan_id mist_agent_version mobile mode model model_number modified_time module2_stat module_stat modules
monitoring_failed mos mount msp_id msp_logo_url msp_name msp_url mtu multi_session_id mux_state mxagent_registered
mxcluster_id mxedge_id mxedge_name mxtunnel_id nacrule_id nacrule_matched name nas_ip nas_vendor nat_addresses
neighbor neighbor_as neighbor_idx neighbor_mac neighbor_module_idx neighbor_port_desc neighbor_port_id
neighbor_system_name netmask netmask6 network network_connection network_name network_resources networktemplate_id
new_server next next_ap node node_name noise_floor notes num_active_wan_tunnels num_ap num_ap_connected num_aps
num_aps_with_switch_redundancy num_assets num_client_auth num_client_events num_clients num_degraded_sites
num_device_events num_devices num_devices_connected num_devices_disconnected num_disconnected_aps
num_disconnected_gateways num_disconnected_mxedges num_disconnected_switches num_discovered_assets num_gateway
num_gateway_connected num_gateways num_inactive_mxtunnels num_inactive_vpn_peers num_inactive_wan_tunnels
num_infra_alerts num_inventory num_ips num_leased num_locating_aps num_marvis_alerts num_mxedges num_mxtunnels
num_nac_client_auth num_nac_clients num_redundant_aps num_sdkclients num_security_alerts num_sites num_switch
num_switch_connected num_switches num_tunnels num_unconnected_clients num_users num_vpn_peers num_wan_clients
num_wired_client_auth num_wired_clients num_wlans occupancy_limit ok old_server oob_ip_config oob_ip_stat
operational optics_cpld_version org org_id org_name orggroup_ids orgid orientation orientation_stats origin_x
origin_y os os_version p95 package package_state package_version packets part_no password_modified_time path payload
pcap_dict peer_host peer_ip peer_mac peer_mxedge_id peer_port_id peer_router_name peer_site_id pending_version phone
pics poe poe_disabled poe_mode poe_on poe_priority poe_version port port_desc port_groups port_id port_ids port_mac
port_parent port_stat port_type port_usage ports power power_allocated power_avail power_budget power_constrained
power_cpld_version power_draw power_max power_min power_needed power_opmode power_request_count power_requested
power_saving power_src power_srcs ppm pre_bandwidth pre_channel pre_power pre_usage preamble pressure
primary_node_health priority privileges probability_surface probe_name probe_target probe_type product_id progress
proto protocol psk_id psus radio_config radio_stat radius radius_m random_mac rating raw re_fpga_version reason
reasons recommended_anchor recommended_version recovery_version redundancy_group_information redundancy_state
region_code remote_id remote_ip remote_port remote_sid request_time request_type resolved_time resource resp_attrs
results rftemplate_id rib_routes roaming role root_cause route_summary_stats router_name rpm rsrp rsrq rssi
rssizone_id rssizones running_state rx_bcast_pkts rx_bps rx_bytes rx_chain rx_cnt rx_control_pkts rx_errors
rx_lacpdu rx_mcast_pkts rx_packets rx_peak_bps rx_pkts rx_rate rx_retries rx_routes rx_state scan_data
scanning_enabled scope screen_share_quality sdkclients sdkclients_wait sdkclients_waits secondary_node_health
secpolicy_id secpolicy_violated secret sensor_stat separate_upstream_downstream seq_ctrl sequence_ctrl serial
serial_no service service2_stat service_data service_data_data service_data_last_rx_time service_data_rx_cnt
service_data_uuid service_mode service_packets service_stat service_status service_uuid services servp_info session
session_duration_in_mins session_expiry session_id session_unique_id sessions severity sfp signal_level since sinr
site_id site_name sitegroup_ids siteid sitetemplate_id sle sle_summary_wan sle_summary_wired sle_summary_wireless
sms_gateway snr speed splunk_token sponsor_email spu2_stat spu_cpu spu_current_session spu_max_session spu_memory
spu_pending_session spu_stat spu_uptime spu_valid_session src src_ip ssid ssids start start_time state status
status_detail status_id stp_role stp_state success successful-connect suggestion swap_cached swap_free swap_total
switch-health switch-stc switch-throughput switch_redundancy switches symptom sys_info system system_desc
system_name tag_id tag_uuid tags target_version temperature temperatures terminate_cause termination_reason
test_type testing_tools_version text throughput time-to-connect timestamp timezone tmc_fpga_version to_version topic
topics total total_minutes total_routes trigger tunnel_name tunnels tunterm_ip_config tunterm_port_config
tunterm_registered tunterm_stat tx_bcast_pkts tx_bps tx_bytes tx_chain tx_control_pkts tx_errors tx_lacpdu
tx_mcast_pkts tx_packets tx_peak_bps tx_pkts tx_rate tx_resets tx_retries tx_routes type type6 type8 type_code
tzoffset uboot_version unconfigured unconnected_clients_wait unconnected_clients_waits up update uplink uplink_ap_id
upstream_ports uptime url usage usb_stat user user_agent user_minutes username util_all util_non_wifi util_rx_in_bss
util_rx_other_bss util_tx util_undecodable_wifi util_unknown_wifi uuid value vbeacons vc-backup-id vc-master-id
vc_links vc_mac vc_mode vc_role vc_setup_info vc_state vcore_voltage vendor vendor_id vendor_specific verify_cert
version vertices vertices_m via_sso video_quality view views virtualization_type vlan vlan_id vlan_source vpn_name
vpn_peers vrf_name wan-link-health wan-link-health-v2 wan_name wan_type wcid wcids wheeljack_version width width_m
wifi_beacon_extended_info will_retry wired wlan_id wlan_ids wxrule_id wxrule_usage wxtunnel_id x x_m xcvr_model
xcvr_part_number xcvr_serial y y_m zone_id zone_name zones
"""
FIELD_NAMES: Final = frozenset(_NAMES.split())
_SEPARATOR: Final = re.compile("[_-]")
_MAX_LENGTH: Final = 64  # characters of a field name
_SINGULAR: Final = {word.removesuffix("s") for name in FIELD_NAMES for word in _SEPARATOR.split(name)} - {""}
_WORDS: Final = frozenset(_SINGULAR | {f"{word}s" for word in _SINGULAR})


def is_field_name(text: str) -> bool:
    """Whether a key is a field name of Mist: a known one, or at least two words of known ones (`rx_error_count`).

    The second rule recognises most fields that Mist adds later.
    """
    if text in FIELD_NAMES:
        return True
    if len(text) > _MAX_LENGTH:
        return False
    words = _SEPARATOR.split(text.strip("_"))
    return len(words) > 1 and _WORDS.issuperset(words)
