//! Carrying calls to the backend and answers back.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use flex2csi_translators::Values;
use flex2csi_translators::flex::Mappings;
use http::{HeaderMap, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use tonic::Status;

use super::answer::Answer;
use super::answer_body::AnswerBody;
use super::known_ids::KnownIds;
use super::probe;
use super::request::{self, ANSWER_BYTES, REQUEST_BYTES, Unread};
use super::rpc::{self, Rpc, Service};
use super::translation::Translator;
use super::wire::Malformed;
use super::{CallError, Handles, LegacyVolumes};
use crate::backend::{Backend, BackendError};
use crate::grpc::{self, Body};
use crate::metrics::Calls;
use crate::request_id::{REQUEST_ID, RequestId, RequestIds};

const GRPC_ENCODING: &str = "grpc-encoding";
const GRPC_ACCEPT_ENCODING: &str = "grpc-accept-encoding";

/// An answer is waited for a little longer than its caller's deadline, so that a
/// backend that keeps to it too can say so itself.
const GRACE: Duration = Duration::from_millis(100);

/// The sockets of a backend. Both can be one.
#[derive(Debug, Clone)]
pub struct Upstreams {
    /// Answers the calls of the Node service.
    pub node: Arc<Backend>,
    /// Answers the calls of the Controller services.
    pub controller: Arc<Backend>,
    /// Answers what the backend says of itself: the door's own of both.
    pub identity: Arc<Backend>,
}

/// What calls are translated with; it can be exchanged while they run.
#[derive(Clone)]
pub struct Knowledge {
    /// What only the site knows.
    pub values: Arc<Values>,
    /// The known FlexVolume drivers.
    pub mappings: Arc<Mappings>,
    /// The provisioner whose parameters those without a mark are.
    pub legacy_provisioner: Option<Arc<str>>,
}

/// What an endpoint is made of.
#[derive(Debug)]
pub struct Settings {
    /// Its name as a CSI driver.
    pub name: String,
    /// The CSI driver behind it.
    pub driver: String,
    /// The sockets of that.
    pub upstreams: Upstreams,
    /// What undecided handles stand for on this node.
    pub handles: Handles,
    /// Where they are looked up if nothing was recorded.
    pub volumes: LegacyVolumes,
    /// What calls are counted in.
    pub calls: Calls,
}

impl fmt::Debug for Knowledge {
    /// Values may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Knowledge").finish_non_exhaustive()
    }
}

/// An endpoint of one backend.
#[derive(Debug)]
pub struct Endpoint {
    settings: Settings,
    knowledge: RwLock<Knowledge>,
    known: KnownIds,
    request_ids: RequestIds,
}

/// How a call that is answered ends: with an answer, or reset as the backend did.
type Answered = Result<Response<AnswerBody>, BackendError>;

impl Endpoint {
    /// An endpoint that has not been called.
    pub fn new(settings: Settings, knowledge: Knowledge) -> Self {
        Self {
            settings,
            knowledge: RwLock::new(knowledge),
            known: KnownIds::default(),
            request_ids: RequestIds::new(),
        }
    }

    /// Its name as a CSI driver.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// The CSI driver behind it.
    pub fn driver(&self) -> &str {
        &self.settings.driver
    }

    /// Translates the calls from now on with this.
    pub fn learn(&self, knowledge: Knowledge) {
        // A value is whole before and after.
        *self
            .knowledge
            .write()
            .unwrap_or_else(PoisonError::into_inner) = knowledge;
    }

    fn knowledge(&self) -> Knowledge {
        self.knowledge
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Carries out a call.
    ///
    /// # Errors
    /// The backend reset the stream, and so are we to.
    pub async fn call(&self, request: Request<Incoming>) -> Answered {
        let path = request.uri().path().to_owned();
        let method = path.rsplit('/').next().unwrap_or_default();
        let timer = self.settings.calls.rpc(method).start();
        let id = request.headers().get(REQUEST_ID);
        let id = id.and_then(RequestId::from_caller);
        let id = id.unwrap_or_else(|| self.request_ids.next());
        let carried = if is_grpc(request.headers()) {
            self.within_deadline(request, &path, &id).await
        } else {
            Ok(unsupported())
        };
        let carried = carried.or_else(|error| probe::answer(&path, error, self.name()));
        let error = match carried {
            Ok(response) => {
                tracing::debug!(request_id = %id, rpc = %path, endpoint = %self.name(), "answered");
                let (head, body) = response.into_parts();
                let body = AnswerBody::new(&head.headers, body, timer);
                return Ok(Response::from_parts(head, body));
            }
            Err(CallError::Backend(reset @ BackendError::Reset { .. })) => {
                timer.finish(tonic::Code::Internal);
                return Err(reset);
            }
            Err(error) => error,
        };
        let status = error.status();
        tracing::warn!(
            request_id = %id, rpc = %path, endpoint = %self.name(), code = ?status.code(),
            message = status.message(), "not carried out"
        );
        let (head, body) = grpc::refusal(&status).into_parts();
        let body = AnswerBody::new(&head.headers, body, timer);
        Ok(Response::from_parts(head, body))
    }

    async fn within_deadline(
        &self,
        request: Request<Incoming>,
        path: &str,
        id: &RequestId,
    ) -> Result<Response<Body>, CallError> {
        let deadline = grpc::timeout_of(request.headers());
        let call = self.carry(request, path, id);
        match deadline {
            Some(deadline) => tokio::time::timeout(deadline + GRACE, call)
                .await
                .unwrap_or(Err(CallError::Deadline)),
            None => call.await,
        }
    }

    async fn carry(
        &self,
        request: Request<Incoming>,
        path: &str,
        id: &RequestId,
    ) -> Result<Response<Body>, CallError> {
        let upstreams = &self.settings.upstreams;
        let backend = match rpc::service(path) {
            Service::Node => &upstreams.node,
            Service::Controller => &upstreams.controller,
            Service::Identity => &upstreams.identity,
        };
        let (mut head, body) = request.into_parts();
        head.uri = grpc::uri(&head.uri);
        // The one that is in our log, whatever the caller gave.
        head.headers.insert(REQUEST_ID, id.header_value());
        let Some(rpc) = rpc::find(path) else {
            let request = Request::from_parts(head, body.into());
            return Ok(backend.call(request).await?);
        };
        let (body, answer) = self
            .translated(rpc, backend, &mut head.headers, body)
            .await?;
        if answer.is_changed() {
            // The answer is to be looked into.
            head.headers.remove(GRPC_ACCEPT_ENCODING);
        }
        let response = backend.call(Request::from_parts(head, body)).await?;
        if !answer.is_changed() {
            return Ok(response);
        }
        self.answered(rpc, backend, response, &answer).await
    }

    /// The request as the backend is to get it, and how its answer is given back.
    async fn translated(
        &self,
        rpc: &Rpc,
        backend: &Backend,
        headers: &mut HeaderMap,
        body: Incoming,
    ) -> Result<(Body, Answer), CallError> {
        let Settings { name, driver, .. } = &self.settings;
        if !rpc.is_looked_into() {
            let answer = Answer::of(rpc, None, name, &self.known);
            return Ok((body.into(), answer));
        }
        let (bytes, _) = request::read(body.into(), REQUEST_BYTES).await?;
        let message = request::plain(&bytes, headers, REQUEST_BYTES)?;
        let Knowledge {
            values,
            mappings,
            legacy_provisioner,
        } = self.knowledge();
        let translator = Translator {
            endpoint: name,
            driver,
            backend,
            legacy_provisioner: legacy_provisioner.as_deref(),
            values: &values,
            mappings: &mappings,
            handles: &self.settings.handles,
            volumes: &self.settings.volumes,
            known: &self.known,
        };
        let mut translation = translator.translate(rpc, &message).await?;
        let body = match &mut translation {
            None => bytes,
            Some(translation) => {
                headers.remove(header::CONTENT_LENGTH);
                headers.remove(GRPC_ENCODING);
                grpc::frame(&std::mem::take(&mut translation.message))
            }
        };
        let answer = Answer::of(rpc, translation, name, &self.known);
        Ok((Body::message(body), answer))
    }

    /// The answer in the caller's words.
    async fn answered(
        &self,
        rpc: &Rpc,
        backend: &Backend,
        response: Response<Body>,
        answer: &Answer,
    ) -> Result<Response<Body>, CallError> {
        let (mut head, body) = response.into_parts();
        if grpc::status_of(&head.headers).is_some() {
            return Ok(Response::from_parts(head, body));
        }
        let unread = |error: CallError| CallError::Answer(error.to_string());
        let read = request::read(body, ANSWER_BYTES).await;
        let (bytes, trailers) = read.map_err(|error| match error {
            Unread::Broken(error) => backend.broken(error).into(),
            Unread::TooLong(limit) => CallError::Answer(format!("it has more than {limit} bytes")),
        })?;
        let status = trailers.as_ref().and_then(grpc::status_of);
        let body = if status.is_some_and(|(code, _)| code == 0) {
            let message = request::plain(&bytes, &head.headers, ANSWER_BYTES).map_err(unread)?;
            match answer.message(rpc, &message, &self.known) {
                Ok(message) => {
                    head.headers.remove(header::CONTENT_LENGTH);
                    grpc::frame(&message)
                }
                // The caller cannot read it either, and says so itself.
                Err(Malformed) => bytes,
            }
        } else {
            bytes
        };
        Ok(Response::from_parts(
            head,
            Body::with_trailers(body, trailers),
        ))
    }
}

/// Whether a request is one of gRPC (gRPC over HTTP/2, "Content-Type").
fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(grpc::CONTENT_TYPE.as_bytes()))
}

/// The answer to what is HTTP/2 and no gRPC.
fn unsupported() -> Response<Body> {
    let status = Status::internal("this socket serves gRPC (CSI); the request is none");
    let mut response = grpc::refusal(&status);
    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    response
}
