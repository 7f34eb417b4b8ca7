//! A client that knows nothing of us: it asks the server what there is, builds its messages from the answer, and comes
//! to a seat. What a generic tool does, and without generated code.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use bellhop_load::bots::{Life, Plan};
use bellhop_load::doors;
use bellhop_load::local::Local;
use http::uri::PathAndQuery;
use prost_reflect::prost::Message;
use prost_reflect::prost_types::FileDescriptorProto;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, ReflectMessage, Value};
use tokio_stream::StreamExt;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ListServiceResponse, ServerReflectionRequest};

/// Everything here comes within this, or not at all.
const SOON: Duration = Duration::from_secs(20);

const CONFIG: &str = r#"
[[fleet]]
name = "default"
games = ["snake"]
min_ready = 1
max_rooms = 1

[[queue]]
name = "pairs"
game = "snake"
min_players = 2
max_players = 2
"#;

/// Messages as the server describes them.
struct Described {
    answer: MessageDescriptor,
}

impl Codec for Described {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Described;
    type Decoder = Described;

    fn encoder(&mut self) -> Described {
        Described { answer: self.answer.clone() }
    }

    fn decoder(&mut self) -> Described {
        Described { answer: self.answer.clone() }
    }
}

impl Encoder for Described {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, message: DynamicMessage, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message.encode(to).map_err(|error| Status::internal(error.to_string()))
    }
}

impl Decoder for Described {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let message = DynamicMessage::decode(self.answer.clone(), from);
        message.map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

/// A client that has only the address.
struct Generic {
    channel: Channel,
    services: Vec<String>,
    pool: DescriptorPool,
    bearer: Option<String>,
}

impl Generic {
    /// Asks for the services and for all that describes them.
    async fn learn(url: &str) -> Result<Generic> {
        let channel = doors::channel(url)?;
        let asked = ask(&channel, MessageRequest::ListServices(String::new())).await?;
        let MessageResponse::ListServicesResponse(ListServiceResponse { service }) = asked else {
            bail!("no list of services: {asked:?}")
        };
        let services: Vec<String> = service.into_iter().map(|service| service.name).collect();
        let mut pool = DescriptorPool::new();
        for service in &services {
            let found = ask(&channel, MessageRequest::FileContainingSymbol(service.clone())).await?;
            let MessageResponse::FileDescriptorResponse(found) = found else { bail!("{service}: {found:?}") };
            for file in found.file_descriptor_proto {
                let file = FileDescriptorProto::decode(file.as_slice())?;
                if pool.get_file_by_name(file.name()).is_none() {
                    pool.add_file_descriptor_proto(file)?;
                }
            }
        }
        Ok(Generic { channel, services, pool, bearer: None })
    }

    /// Calls a method by its name, with texts in the fields of its request.
    async fn call(&self, service: &str, method: &str, fields: &[(&str, &str)]) -> Result<Streaming<DynamicMessage>> {
        let service = self.pool.get_service_by_name(service).context("no such service")?;
        let method = service.methods().find(|found| found.name() == method).context("no such method")?;
        let mut message = DynamicMessage::new(method.input());
        for (field, text) in fields {
            message.try_set_field_by_name(field, Value::String((*text).to_owned()))?;
        }
        let mut request = Request::new(tokio_stream::once(message));
        if let Some(bearer) = &self.bearer {
            request.metadata_mut().insert("authorization", format!("Bearer {bearer}").parse()?);
        }
        let path: PathAndQuery = format!("/{}/{}", service.full_name(), method.name()).parse()?;
        let mut grpc = tonic::client::Grpc::new(self.channel.clone());
        grpc.ready().await?;
        Ok(grpc.streaming(request, path, Described { answer: method.output() }).await?.into_inner())
    }

    async fn once(&self, service: &str, method: &str, fields: &[(&str, &str)]) -> Result<DynamicMessage> {
        let mut answers = self.call(service, method, fields).await?;
        answers.message().await?.context("no answer")
    }
}

async fn ask(channel: &Channel, what: MessageRequest) -> Result<MessageResponse> {
    let question = ServerReflectionRequest { host: String::new(), message_request: Some(what) };
    let mut client = ServerReflectionClient::new(channel.clone());
    let mut answers = client.server_reflection_info(tokio_stream::once(question)).await?.into_inner();
    answers.message().await?.and_then(|answer| answer.message_response).context("no answer")
}

/// The text of a field, by the path to it.
fn text(message: &DynamicMessage, path: &str) -> String {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let value = message.get_field_by_name(first).unwrap_or_else(|| panic!("{first} is not described"));
    match (value.as_ref(), rest) {
        (Value::Message(inner), Some(rest)) => text(inner, rest),
        (Value::String(text), None) => text.clone(),
        (other, _) => panic!("{path} is {other:?}"),
    }
}

#[tokio::test]
async fn reflection_alone_leads_to_a_seat() -> Result<()> {
    let local = Local::started(CONFIG).await?;

    let mut client = Generic::learn(&local.gateway_url()).await?;
    for service in ["bellhop.v1.Players", "bellhop.v1.Matchmaking", "grpc.health.v1.Health"] {
        assert!(client.services.iter().any(|found| found == service), "{service} is not in {:?}", client.services);
    }
    assert!(!client.services.iter().any(|found| found.contains("Operations")), "operations are not for the public");
    client.once("grpc.health.v1.Health", "Check", &[]).await?;

    let session = client.once("bellhop.v1.Players", "CreateGuest", &[("name", "Generic")]).await?;
    assert!(text(&session, "player.id").starts_with("p-"));
    client.bearer = Some(text(&session, "token"));
    let ticket = client.once("bellhop.v1.Matchmaking", "CreateTicket", &[("queue", "pairs")]).await?;
    let ticket = text(&ticket, "id");
    let mut events = client.call("bellhop.v1.Matchmaking", "WatchTicket", &[("ticket_id", &ticket)]).await?;

    // Somebody to meet.
    let plan = Plan {
        queue: "pairs".into(),
        name: String::new(),
        seed: 1,
        reaction_ms: 0.0,
        matches: 1,
        record: None,
        pulse: None,
    };
    let mut other = Life::begin(doors::channel(&local.gateway_url())?, plan).await?;
    other.ask(0).await?;

    let mut kinds = Vec::new();
    let assigned = tokio::time::timeout(SOON, async {
        loop {
            let event = events.next().await.context("the stream ended before there was a seat")??;
            let kind = event.descriptor().oneofs().next().context("an event has kinds")?;
            let kind = kind.fields().find(|field| event.has_field(field)).context("an event has a kind")?;
            if kind.name() == "assigned" {
                return anyhow::Ok(event);
            }
            kinds.push(kind.name().to_owned());
        }
    })
    .await
    .context("no seat in time")??;
    kinds.retain(|kind| kind != "status");
    assert_eq!(kinds, ["queued", "matched"]);
    let url = text(&assigned, "assigned.url");
    assert!(url.starts_with(&local.gateway_url().replace("http", "ws")) && url.contains("/rooms/r-"), "{url}");

    // What it was given opens the seat.
    let way = bellhop_proto::v1::Assignment {
        url,
        token: text(&assigned, "assigned.token"),
        game: text(&assigned, "assigned.game"),
        ..bellhop_proto::v1::Assignment::default()
    };
    bellhop_load::bots::open(&way).await.context("the seat does not open")?;
    Ok(())
}
