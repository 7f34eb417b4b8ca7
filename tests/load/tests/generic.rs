//! A client that knows nothing of us: it asks the server what there is, builds its messages from the answer, and comes
//! to a seat. What a generic tool does, and without generated code.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bellhop_load::bots::{Life, Plan};
use bellhop_load::doors;
use bellhop_load::local::Local;
use http::uri::PathAndQuery;
use prost_reflect::prost::Message;
use prost_reflect::prost_types::FileDescriptorProto;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor, ReflectMessage, Value};
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
        // What describes the services, and what that imports.
        let mut files: BTreeMap<String, FileDescriptorProto> = BTreeMap::new();
        let mut wanted: Vec<_> = services.iter().cloned().map(MessageRequest::FileContainingSymbol).collect();
        while let Some(what) = wanted.pop() {
            let found = ask(&channel, what).await?;
            let MessageResponse::FileDescriptorResponse(found) = found else { bail!("no description: {found:?}") };
            for file in found.file_descriptor_proto {
                let file = FileDescriptorProto::decode(file.as_slice())?;
                let imported = file.dependency.iter().filter(|name| !files.contains_key(*name));
                wanted.extend(imported.cloned().map(MessageRequest::FileByFilename));
                files.insert(file.name().to_owned(), file);
            }
        }
        let mut pool = DescriptorPool::new();
        pool.add_file_descriptor_protos(files.into_values())?;
        Ok(Generic { channel, services, pool, bearer: None })
    }

    /// Calls a method by its name, with texts in the fields of its request.
    async fn call(&self, service: &str, method: &str, fields: &[(&str, &str)]) -> Result<Streaming<DynamicMessage>> {
        let mut message = DynamicMessage::new(self.method(service, method)?.input());
        for (field, text) in fields {
            message.try_set_field_by_name(field, Value::String((*text).to_owned()))?;
        }
        self.send(service, method, message).await
    }

    /// The same, with a request in JSON.
    async fn call_json(&self, service: &str, method: &str, json: &str) -> Result<Streaming<DynamicMessage>> {
        let mut json = serde_json::Deserializer::from_str(json);
        let message = DynamicMessage::deserialize(self.method(service, method)?.input(), &mut json)?;
        json.end()?;
        self.send(service, method, message).await
    }

    fn method(&self, service: &str, method: &str) -> Result<MethodDescriptor> {
        let service = self.pool.get_service_by_name(service).context("no such service")?;
        service.methods().find(|found| found.name() == method).context("no such method")
    }

    async fn send(&self, service: &str, method: &str, message: DynamicMessage) -> Result<Streaming<DynamicMessage>> {
        let method = self.method(service, method)?;
        let mut request = Request::new(tokio_stream::once(message));
        if let Some(bearer) = &self.bearer {
            request.metadata_mut().insert("authorization", format!("Bearer {bearer}").parse()?);
        }
        let path: PathAndQuery = format!("/{service}/{}", method.name()).parse()?;
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

/// A call of docs/your-backend.md: the method, and what is sent.
fn calls_of_the_guide() -> Result<Vec<(String, String)>> {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/your-backend.md"))?;
    let mut calls = Vec::new();
    for block in guide.split("```sh\n").skip(1).filter_map(|block| block.split("```").next()) {
        let Some(command) = block.strip_prefix("grpcurl ") else { continue };
        let command = command.replace("\\\n", " ");
        let words: Vec<&str> = command.split_whitespace().collect();
        assert!(command.starts_with("-plaintext -H \"authorization: Bearer $TOKEN\" "), "{command}");
        let (_, after) = command.split_once("-d '").context("every call sends something")?;
        let (json, _) = after.split_once('\'').context("the quotes are closed")?;
        let [.., address, method] = words.as_slice() else { bail!("{command}") };
        assert_eq!(*address, "localhost:8082");
        calls.push(((*method).to_owned(), json.to_owned()));
    }
    Ok(calls)
}

#[tokio::test]
async fn the_commands_for_a_back_end_work_as_they_are_written() -> Result<()> {
    // Nobody plays: only the queue has to be the one that is there without any settings.
    let local = Local::started(include_str!("../../../bellhop.toml")).await?;
    let mut client = Generic::learn(&local.private_url()).await?;
    assert!(client.services.iter().any(|found| found == "bellhop.v1.Backend"), "{:?}", client.services);
    client.bearer = Some(std::fs::read_to_string(local.data().join("keys/operator.token"))?.trim().to_owned());

    let mut done = Vec::new();
    for (path, json) in calls_of_the_guide()? {
        let (service, method) = path.split_once('/').context("service and method")?;
        let mut answers = client.call_json(service, method, &json).await.with_context(|| path.clone())?;
        match method {
            "MintPlayer" => {
                let session = answers.message().await?.context("a session")?;
                assert_eq!(text(&session, "player.name"), "Ada");
            }
            "CreateTicketFor" => {
                let ticket = answers.message().await?.context("a ticket")?;
                assert_eq!(text(&ticket, "queue"), "tictactoe");
            }
            // The stream is open, and nobody has played yet.
            "FollowResults" => drop(answers),
            other => bail!("nobody knows what {other} answers"),
        }
        done.push(method.to_owned());
    }
    assert_eq!(done, ["MintPlayer", "CreateTicketFor", "FollowResults"]);
    Ok(())
}
