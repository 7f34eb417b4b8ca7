//! Keys and certificates of one cluster, made anew for each, and the kubeconfigs that use them.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};

use super::layout::{API_SERVICE_IP, CONTROL_PLANE_IP, Layout, Node};

type Authority = CertifiedIssuer<'static, KeyPair>;

pub(super) fn make(layout: &Layout, nodes: u32) -> Result<()> {
    let ca = authority(layout, "ca", "bellhop test cluster")?;
    let front_proxy = authority(layout, "front-proxy-ca", "bellhop test cluster, aggregated APIs")?;

    let api: Vec<IpAddr> = vec![CONTROL_PLANE_IP.into(), API_SERVICE_IP.into(), IpAddr::from([127, 0, 0, 1])];
    let api_names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
    certificate(layout, &ca, "apiserver", "kube-apiserver", None, &api_names, &api)?;
    certificate(layout, &ca, "apiserver-kubelet", "kube-apiserver-kubelet-client", Some("system:masters"), &[], &[])?;
    certificate(layout, &front_proxy, "front-proxy", "front-proxy-client", None, &[], &[])?;
    let service_accounts = KeyPair::generate()?;
    fs::write(layout.pki("service-account.key"), service_accounts.serialize_pem())?;
    fs::write(layout.pki("service-account.pub"), service_accounts.public_key_pem())?;

    for (file, name, group) in [
        ("admin", "admin", Some("system:masters")),
        ("kube-controller-manager", "system:kube-controller-manager", None),
        ("kube-scheduler", "system:kube-scheduler", None),
        ("kube-proxy", "system:kube-proxy", None),
    ] {
        certificate(layout, &ca, file, name, group, &[], &[])?;
        kubeconfig(layout, file)?;
    }
    for node in (1..=nodes).map(Node) {
        let name = node.name();
        let user = format!("system:node:{name}");
        certificate(layout, &ca, &name, &user, Some("system:nodes"), &[&name], &[node.ip().into()])?;
        kubeconfig(layout, &name)?;
    }
    fs::copy(kubeconfig_of(layout, "admin"), layout.kubeconfig()).context("the administrator's kubeconfig")?;
    Ok(())
}

/// The kubeconfig of a component.
pub(super) fn kubeconfig_of(layout: &Layout, name: &str) -> PathBuf {
    layout.pki(&format!("{name}.kubeconfig"))
}

fn authority(layout: &Layout, file: &str, name: &str) -> Result<Authority> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign];
    let made = CertifiedIssuer::self_signed(params, KeyPair::generate()?).context("making an authority")?;
    fs::write(layout.pki(&format!("{file}.crt")), made.pem())?;
    fs::write(layout.pki(&format!("{file}.key")), made.key().serialize_pem())?;
    Ok(made)
}

fn certificate(
    layout: &Layout,
    authority: &Authority,
    file: &str,
    name: &str,
    group: Option<&str>,
    hosts: &[&str],
    addresses: &[IpAddr],
) -> Result<()> {
    let mut params = CertificateParams::new(hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>())?;
    params.subject_alt_names.extend(addresses.iter().map(|address| SanType::IpAddress(*address)));
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(group) = group {
        params.distinguished_name.push(DnType::OrganizationName, group);
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let made = params.signed_by(&key, authority).with_context(|| format!("making the certificate of {name}"))?;
    fs::write(layout.pki(&format!("{file}.crt")), made.pem())?;
    fs::write(layout.pki(&format!("{file}.key")), key.serialize_pem())?;
    Ok(())
}

fn kubeconfig(layout: &Layout, name: &str) -> Result<()> {
    let pki = |file: String| layout.pki(&file).display().to_string();
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: testcluster\n\
         clusters:\n- name: testcluster\n  cluster:\n    server: https://{CONTROL_PLANE_IP}:6443\n    \
         certificate-authority: {}\n\
         users:\n- name: {name}\n  user:\n    client-certificate: {}\n    client-key: {}\n\
         contexts:\n- name: testcluster\n  context:\n    cluster: testcluster\n    user: {name}\n",
        pki("ca.crt".into()),
        pki(format!("{name}.crt")),
        pki(format!("{name}.key")),
    );
    fs::write(kubeconfig_of(layout, name), text).with_context(|| format!("writing the kubeconfig of {name}"))
}
